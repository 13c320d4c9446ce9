"""What notifications of requests, reports, directives and decisions of the desk say
(notification_words)."""

from __future__ import annotations

from typing import Final


def N_(text: str) -> str:  # noqa: N802 (gettext's own name: marks a sentence for extraction)
    """Marks a sentence for translation."""
    return text


DESK_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "request-waiting": (
        "request",
        N_("Có yêu cầu hoặc báo cáo mới"),
        N_("Cần trả lời trước hết ngày %(day)s."),
    ),
    "request-assigned": (
        "request",
        N_("Có yêu cầu về dữ liệu do bạn ghi"),
        N_("Một người hỏi về dữ liệu của họ ở %(organisation)s. Xong trước hết ngày %(day)s."),
    ),
    "request-due": (
        "request",
        N_("Yêu cầu sắp đến hạn"),
        N_("Hạn của một yêu cầu là ngày %(day)s."),
    ),
    "request-late": (
        "request",
        N_("Yêu cầu đã quá hạn"),
        N_("Hạn của một yêu cầu là ngày %(day)s, đã qua."),
    ),
    "report-urgent": (
        "alert",
        N_("Phản ánh khẩn: có người bị bệnh sau khi ăn"),
        N_("Có người báo bị bệnh sau khi ăn %(what)s. Cần xem ngay, chậm nhất ngày %(day)s."),
    ),
    "report-waiting": (
        "request",
        N_("Có phản ánh mới của người dân"),
        N_("Phản ánh về %(what)s. Cần xem chậm nhất ngày %(day)s."),
    ),
    "report-several": (
        "alert",
        N_("Nhiều phản ánh về cùng một lô"),
        N_("Trong một tuần có %(count)s phản ánh về %(what)s."),
    ),
    "report-held": (
        "request",
        N_("Có loạt phản ánh gửi dồn dập"),
        N_("Nhiều phản ánh đến cùng lúc từ một mạng, đang để riêng chờ %(organisation)s xem."),
    ),
    "report-unplaced": (
        "request",
        N_("Có phản ánh chưa có cơ quan nào nhận"),
        N_("Chưa cơ quan nào trên nền tảng phụ trách nơi mua hàng. Có cơ quan là phản ánh tự đến."),
    ),
    "report-replied": (
        "request",
        N_("Người phản ánh nói thêm"),
        N_("Người phản ánh về %(what)s đã trả lời hoặc nói thêm."),
    ),
    "report-late": (
        "request",
        N_("Phản ánh đã quá hạn"),
        N_("Phản ánh về %(what)s quá hạn ngày %(day)s và được chuyển lên cấp trên, nếu có."),
    ),
    "report-goods": (
        "request",
        N_("Có phản ánh về hàng của bạn"),
        N_("Một người mua phản ánh về %(what)s. Cơ quan sẽ xem; bạn xem được phần về hàng."),
    ),
    "report-passed": (
        "request",
        N_("Cơ quan hỏi về một phản ánh"),
        N_("%(by)s hỏi %(organisation)s về phản ánh đối với %(what)s."),
    ),
    "report-maker": (
        "request",
        N_("Bên làm ra hàng đã trả lời"),
        N_("%(by)s trả lời về phản ánh đối với %(what)s."),
    ),
    "directive-sent": (
        "directive",
        N_("Có chỉ đạo mới"),
        N_("%(by)s gửi %(organisation)s: %(what)s. Trả lời trước hết ngày %(day)s."),
    ),
    "directive-due": (
        "directive",
        N_("Chỉ đạo sắp tới hạn trả lời"),
        N_("%(what)s (%(by)s): trả lời trước hết ngày %(day)s."),
    ),
    "directive-overdue": (
        "directive",
        N_("Chỉ đạo quá hạn trả lời"),
        N_("%(what)s (%(by)s): hạn trả lời là ngày %(day)s, %(organisation)s chưa trả lời."),
    ),
    "directive-units-late": (
        "directive",
        N_("Có đơn vị quá hạn trả lời chỉ đạo"),
        N_("%(what)s: mở chỉ đạo để xem đơn vị nào chưa trả lời."),
    ),
    "directive-withdrawn": (
        "directive",
        N_("Chỉ đạo đã được rút"),
        N_("%(by)s đã rút: %(what)s. Không cần trả lời nữa."),
    ),
    "directive-answered": (
        "directive",
        N_("Đơn vị đã trả lời chỉ đạo"),
        N_("%(by)s đã trả lời: %(what)s."),
    ),
    "directive-accepted": (
        "directive",
        N_("Câu trả lời đã được chấp nhận"),
        N_("%(by)s chấp nhận trả lời của %(organisation)s: %(what)s."),
    ),
    "directive-returned": (
        "directive",
        N_("Câu trả lời cần làm lại"),
        N_("%(by)s trả lại câu trả lời của %(organisation)s: %(what)s. Mở ra để xem vì sao."),
    ),
    "report-ready": (
        "desk",
        N_("Báo cáo định kỳ đã có"),
        N_("Báo cáo %(what)s của %(organisation)s đã lập xong. Mở để xem và tải."),
    ),
    "standing-suspended": (
        "desk",
        N_("Tổ chức bị tạm đình chỉ"),
        N_("%(by)s tạm đình chỉ %(organisation)s: %(reason)s. Trang công khai nói rõ điều này."),
    ),
    "standing-reinstated": (
        "desk",
        N_("Tổ chức hết bị đình chỉ"),
        N_("%(by)s đã bỏ đình chỉ %(organisation)s."),
    ),
    "accredited": (
        "desk",
        N_("Tổ chức được công nhận"),
        N_("%(by)s công nhận %(organisation)s, có hiệu lực tới %(day)s."),
    ),
    "accreditation-withdrawn": (
        "desk",
        N_("Công nhận bị rút"),
        N_("%(by)s rút công nhận đã cấp cho %(organisation)s: %(reason)s."),
    ),
    "prefix-waiting": (
        "desk",
        N_("Có tiền tố GS1 chờ xác nhận"),
        N_("%(name)s khai tiền tố %(prefix)s."),
    ),
    "prefix-confirmed": (
        "desk",
        N_("Tiền tố GS1 đã được xác nhận"),
        N_("Tiền tố %(prefix)s của %(organisation)s đã được xác nhận."),
    ),
    "prefix-declined": (
        "desk",
        N_("Tiền tố GS1 không được xác nhận"),
        N_("Tiền tố %(prefix)s mà %(organisation)s khai không được xác nhận: %(reason)s."),
    ),
}
