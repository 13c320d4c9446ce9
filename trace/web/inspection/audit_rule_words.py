"""Each rule of an audit in words: its name, why it is looked at, and how it is computed."""

from __future__ import annotations

from typing import NamedTuple

from flask_babel import gettext


class Words(NamedTuple):
    """A rule's name, why it is looked at, and how it is computed."""

    title: str
    why: str
    how: str


def group_words(group: str) -> str:
    """What a group of rules is called."""
    words: dict[str, str] = {
        "proof": gettext("Bằng chứng"),
        "chain": gettext("Nối tiếp của chuỗi"),
        "amounts": gettext("Cân đối khối lượng"),
        "growing": gettext("Trồng và thu"),
        "papers": gettext("Giấy tờ"),
        "places": gettext("Nơi và lúc"),
        "market": gettext("Trên thị trường"),
    }
    return words[group]


def rule_words(code: str) -> Words:
    """The words of a rule; its code where it has none."""
    found = _proof().get(code) or _chain().get(code) or _rest().get(code) or _market().get(code)
    return found or Words(code, "", "")


def _proof() -> dict[str, Words]:
    return {
        "signature": Words(
            gettext("Chữ ký"),
            gettext("Mỗi dòng phải do chính tổ chức có tên ký."),
            gettext("Kiểm lại chữ ký Ed25519 và mọi phần được mở của từng dòng."),
        ),
        "key-valid": Words(
            gettext("Khoá có hiệu lực"),
            gettext("Một chữ ký chỉ được tính khi khoá đã vào sổ trước đó và chưa bị thu."),
            gettext("Dựng lại các khoá từ chính các mục khoá trong sổ, theo vị trí."),
        ),
        "key-since": Words(
            gettext("Khoá bị báo lộ"),
            gettext("Sau lúc khoá bị báo lộ, người khác có thể đã ký thay."),
            gettext("So vị trí từng dòng với vị trí ghi khi thu khoá."),
        ),
        "row-edited": Words(
            gettext("Dữ liệu khớp điều đã ký"),
            gettext("Ai sửa thẳng trong cơ sở dữ liệu sẽ lộ ở đây."),
            gettext("Tính lại mọi cột từ bản đã ký và so với dòng đang lưu."),
        ),
        "log-inclusion": Words(
            gettext("Có trong sổ công khai"),
            gettext("Dòng không có trong sổ có thể được thêm sau."),
            gettext("Tính đường dẫn Merkle từ từng mục tới mốc mới nhất sổ đã ký."),
        ),
        "log-complete": Words(
            gettext("Không thiếu mắt xích"),
            gettext("Một dòng bị rút khỏi cơ sở dữ liệu để lại lỗ hổng trong chuỗi."),
            gettext("Tính từng nhãn 0, 1, 2… của mỗi mã và tìm trong các mục của sổ."),
        ),
        "log-consistent": Words(
            gettext("Sổ nối tiếp mốc đã giữ"),
            gettext("Khôi phục bản cũ hay viết lại sổ sẽ làm đứt nối tiếp."),
            gettext("Chứng minh mốc mới nhất chứa trọn mốc giữ ngoài cơ sở dữ liệu."),
        ),
        "log-witnessed": Words(
            gettext("Sổ nối tiếp mốc nhân chứng đã thấy"),
            gettext("Nhân chứng độc lập giữ sổ không bị viết lại."),
            gettext("Chứng minh mốc mới nhất chứa trọn mốc nhân chứng đã ký."),
        ),
    }


def _chain() -> dict[str, Words]:
    return {
        "input-unmade": Words(
            gettext("Nguồn của đầu vào"),
            gettext("Đầu vào không ai làm ra thì không truy được tiếp."),
            gettext("Tìm lô được dùng mà không có dòng làm ra, đăng ký hay nhận về."),
        ),
        "origin-undeclared": Words(
            gettext("Gốc hàng được khai"),
            gettext("Hàng không gốc có thể là hàng trôi nổi."),
            gettext("Mỗi điểm đầu của chuỗi cần thu hoạch, ngày thu hoặc người bán."),
        ),
        "shipment-unanswered": Words(
            gettext("Giao có nhận"),
            gettext("Một bên ghi thì chỉ là lời một bên."),
            gettext("Tìm lần giao mà bên kia không ghi nhận hay từ chối cùng hàng."),
        ),
        "receipt-alone": Words(
            gettext("Nhận có giao"),
            gettext("Nhận hàng không ai giao thì gốc hàng chưa chắc."),
            gettext("Tìm lần nhận mà không bên nào ghi giao cùng hàng."),
        ),
        "order": Words(
            gettext("Thứ tự trước sau"),
            gettext("Không thể nhận trước khi giao, thu trước khi gieo, dùng trước khi có."),
            gettext("So thời điểm các bên ghi; được lệch theo tham số."),
        ),
        "third-party": Words(
            gettext("Lời của bên thứ ba"),
            gettext("Ai cũng có thể nói về một lô; chỉ người liên quan được lên trang."),
            gettext("Liệt kê dòng của bên không làm ra, không giữ, không được công nhận."),
        ),
        "balance": Words(
            gettext("Cân bằng khối lượng"),
            gettext("Bán nhiều hơn có là dấu hiệu trộn hàng ngoài hoặc dùng một lô hai lần."),
            gettext("Cộng mọi lần làm ra và mọi lần dùng, giao của từng người, cùng đơn vị."),
        ),
        "holder-balance": Words(
            gettext("Cân bằng ở người giữ"),
            gettext("Người giữ giao ra nhiều hơn đã nhận: thiếu dòng nhận hoặc có hàng ngoài."),
            gettext("Số đang giữ theo sổ của từng tổ chức xuống dưới không."),
        ),
        "step-yield": Words(
            gettext("Hao hụt của từng bước"),
            gettext("Đóng gói hay trộn không làm hàng nặng thêm."),
            gettext("So khối lượng ra với vào theo khoảng của từng loại bước."),
        ),
        "repeat": Words(
            gettext("Ghi trùng"),
            gettext("Bấm hai lần làm số lượng tăng gấp đôi; cũng có khi bán thật hai lần."),
            gettext("Tìm dòng cùng người, việc, hàng, số lượng, gần nhau về thời gian."),
        ),
    }


def _rest() -> dict[str, Words]:
    return {
        "interval": Words(
            gettext("Thời gian cách ly"),
            gettext("Thu sớm sau phun có thể còn dư lượng."),
            gettext("Đếm ngày từ mỗi lần phun tới thu, so với số ngày nhãn yêu cầu."),
        ),
        "banned": Words(
            gettext("Chất cấm"),
            gettext("Chất trong danh mục cấm không được dùng."),
            gettext("So tên và hoạt chất đã khai với danh mục chất cấm."),
        ),
        "area-overclaim": Words(
            gettext("Sản lượng của mã vùng trồng"),
            gettext("Nhiều hàng hơn đất cho được nghĩa là mã bị mượn."),
            gettext(
                "Cộng kg thu dưới mã trong vụ, chia diện tích được cấp, so với trần năng suất."
            ),
        ),
        "area-shared": Words(
            gettext("Mã vùng trồng dùng chung"),
            gettext("Một mã do nhiều tổ chức khai có thể là mã cho mượn."),
            gettext("Tìm tổ chức khác khai cùng mã, không kể cách viết."),
        ),
        "area-force": Words(
            gettext("Hiệu lực mã vùng trồng"),
            gettext("Mã hết hạn hoặc bị thu không dùng được."),
            gettext("Xét ngày cấp, ngày hết hạn và trạng thái vào ngày thu."),
        ),
        "laboratory": Words(
            gettext("Phòng kiểm nghiệm được công nhận"),
            gettext("Kết quả của phòng chưa được công nhận không tự đứng làm căn cứ được."),
            gettext("Xét hiệu lực công nhận của phòng vào ngày phòng ký kết quả."),
        ),
        "certificate-force": Words(
            gettext("Hiệu lực chứng nhận"),
            gettext("Chứng nhận phải còn hiệu lực vào ngày thu hoạch."),
            gettext("Xét hạn, đình chỉ, thu hồi của chứng nhận vào ngày thu."),
        ),
        "certificate-holder": Words(
            gettext("Chủ chứng nhận"),
            gettext("Chứng nhận mượn của người khác không có giá trị."),
            gettext("Tìm cùng một số ở tổ chức khác, và ai được xác nhận."),
        ),
        "claim-unbacked": Words(
            gettext("Lời hứa trên tên hàng"),
            gettext("Tên hàng nói VietGAP thì phải có VietGAP."),
            gettext("So từ trong tên hàng với chứng nhận của người trồng cho hàng đó."),
        ),
    }


def _market() -> dict[str, Words]:
    return {
        "travel": Words(
            gettext("Đi nhanh quá mức"),
            gettext("Một vật không ở hai nơi xa nhau trong chốc lát."),
            gettext("Chia khoảng cách giữa hai nơi cho thời gian giữa hai dòng; trừ sai số."),
        ),
        "late": Words(
            gettext("Ghi muộn"),
            gettext("Ghi lâu sau khi xảy ra dễ nhớ sai hoặc ghi cho khớp."),
            gettext("So giờ vào sổ với giờ việc xảy ra."),
        ),
        "hours": Words(
            gettext("Giờ khác thường"),
            gettext("Chợ họp ban đêm, nên chỉ để biết."),
            gettext("Giờ địa phương của việc nằm trong khoảng đặt."),
        ),
        "phone": Words(
            gettext("Vị trí điện thoại"),
            gettext("Người ghi sổ thường ngồi nơi khác, nên không bao giờ là lỗi nặng."),
            gettext("Khoảng cách từ điện thoại tới nơi được ghi."),
        ),
        "moved-held": Words(
            gettext("Hàng tạm giữ, thu hồi vẫn đi"),
            gettext("Hàng có lệnh phải nằm yên hoặc trả về người làm ra."),
            gettext("Tìm lần giao, bán sau thông báo, trước khi gỡ, ngoài thời gian cho phép."),
        ),
        "use-by": Words(
            gettext("Bán quá hạn dùng"),
            gettext("Quá hạn sử dụng thì không được bán."),
            gettext("So ngày bán với hạn của lô, hạn sớm nhất của những gì làm nên nó."),
        ),
        "copies": Words(
            gettext("Mã gói bị sao chép"),
            gettext("Một gói không thể ở nhiều tỉnh cùng lúc."),
            gettext("Điểm sao chép của từng mã gói thuộc các lô trong chuỗi."),
        ),
    }
