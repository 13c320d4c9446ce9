"""The check-lists every authority begins with: our own words, kind by kind. Msgids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


def N_(text: str) -> str:  # noqa: N802 (gettext's own name: marks a sentence for extraction)
    """Marks a sentence for translation."""
    return text


@dataclass(frozen=True, slots=True)
class Given:
    """A list with the kinds of organisations it is meant for."""

    code: str
    name: str
    kinds: tuple[str, ...]
    items: tuple[str, ...]


GIVEN: Final = (
    Given(
        "farm",
        N_("Nơi trồng trọt, chăn nuôi"),
        ("producer", "co-operative"),
        (
            N_("Nhật ký khớp với việc làm thật trên ruộng, trong chuồng"),
            N_("Thuốc, phân, thức ăn trong kho có trong danh mục được phép và còn hạn"),
            N_("Thời gian cách ly ghi trên nhãn được giữ trước khi thu hoạch"),
            N_("Vỏ bao bì thuốc được thu gom, để đúng chỗ"),
            N_("Nguồn nước tưới, nước uống không bị ô nhiễm thấy được"),
            N_("Diện tích, mã vùng trồng đúng với thực tế"),
            N_("Sản lượng đã ghi hợp với diện tích"),
            N_("Người phun thuốc có đồ bảo hộ"),
        ),
    ),
    Given(
        "packhouse",
        N_("Nơi sơ chế, chế biến, đóng gói"),
        ("processor", "trader"),
        (
            N_("Mỗi lô nhận vào có mã và có hồ sơ nguồn gốc"),
            N_("Tem dán đúng lô; tem hỏng, tem thừa được huỷ"),
            N_("Nước rửa, bề mặt, dụng cụ sạch"),
            N_("Người làm có khẩu trang, găng tay, giấy khám sức khoẻ"),
            N_("Nhiệt độ kho, phòng lạnh được ghi và đúng mức"),
            N_("Phụ gia, chất bảo quản được phép và ghi lại lượng dùng"),
            N_("Hàng đang tạm giữ, thu hồi được để riêng"),
        ),
    ),
    Given(
        "shop",
        N_("Cửa hàng, chợ, siêu thị"),
        ("retailer",),
        (
            N_("Hàng bày bán quét được mã và đúng tên trên tem"),
            N_("Không còn hàng quá hạn dùng trên kệ"),
            N_("Hàng đang bị thu hồi, tạm giữ đã cất khỏi kệ"),
            N_("Giữ được phiếu nhận hàng, biết mua của ai"),
            N_("Nhiệt độ tủ mát, tủ đông đúng mức"),
            N_("Nơi bán sạch, không có côn trùng, chuột"),
        ),
    ),
    Given(
        "carrier",
        N_("Xe và kho vận chuyển"),
        ("carrier",),
        (
            N_("Thùng xe sạch, không chở chung với hoá chất"),
            N_("Nhiệt độ trên đường được ghi liên tục"),
            N_("Phiếu giao khớp với hàng trên xe"),
        ),
    ),
    Given(
        "other",
        N_("Kiểm tra chung"),
        ("laboratory", "certifier", "authority", "platform"),
        (
            N_("Giấy phép, chứng nhận còn hiệu lực và đúng tên tổ chức"),
            N_("Hồ sơ trên hệ thống đúng với thực tế"),
            N_("Người phụ trách trả lời được các câu hỏi"),
        ),
    ),
)
