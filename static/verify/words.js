// What a result comes to in words: only the sentences that docs/reference/formats.md ("Bundle and
// verification") allows. Nothing here says that goods are good, or that nothing is left out.

const WORDS = {
  vi: {
    working: "Đang kiểm tra trên máy này…",
    details: "Chi tiết từng dòng",
    lines: "{n} dòng: mỗi dòng mang chữ ký của tổ chức được nêu tên và nằm trong sổ công khai.",
    witnessed: "{who} đã thấy sổ này ngày {day}; sửa các dòng này sau ngày {since} sẽ bị phát hiện.",
    book: "Ngày giờ là theo sổ; chưa có bên làm chứng nào.",
    ends: "Lúc {time}, theo sổ, bên giữ sổ đã ký rằng các chuỗi dòng này dừng ở đây.",
    withheld: "{n} mục được giữ riêng, không hiện ở đây.",
    hidden: "{n} dòng được giữ riêng cả dòng.",
    erased: "{n} mục đã xoá theo quyền của người có dữ liệu.",
    replayed: "{n} dòng lặp lại dòng đã có; chỉ tính lần đầu.",
    server: "{n} dòng ký bằng khoá do nền tảng giữ hộ: nền tảng cũng ký được.",
    flagged: "{n} dòng ký bằng khoá về sau được báo là đã vào tay người khác.",
    late: "{n} dòng ghi muộn hơn 3 ngày so với lúc việc xảy ra.",
    recalled: "Trong các dòng này có thông báo thu hồi.",
    hold: "Trong các dòng này có thông báo tạm dừng bán.",
    notice: "Trong các dòng này có thông báo kèm theo.",
    unknown: "Chưa rõ có thông báo thu hồi hay không: một phần nguồn không hiện ở đây.",
    limit: "Chữ ký cho biết ai nói và từ bao giờ, không thay kiểm nghiệm.",
    own: "Mã kiểm tra này do chính trang đang xem gửi tới. Muốn không phải tin trang, dùng tệp kiểm tra lưu từ nơi khác.",
    cannot:
      "Máy này không kiểm tra được: trình duyệt chưa có phép ký Ed25519, hoặc trang không mở qua https. Điều đó không nói gì về hồ sơ.",
    refused: "Không khớp ở bước {step}/9: {reason}. Chưa rõ lỗi do ai.",
    several:
      "Hồ sơ này đi qua nhiều sổ; máy kiểm tra trong trình duyệt chỉ đọc được một sổ. Dùng trace-verify.pyz trên máy tính.",
    failed: "Không tải được bằng chứng. Thử lại khi có mạng.",
    policy: "Không đọc được tệp chính sách.",
    reasons: {
      unreadable: "không đọc được bằng chứng",
      "bad-signature": "một dòng không khớp chữ ký",
      "issuer-mismatch": "khoá không phải của tổ chức được nêu tên",
      "unknown-key": "khoá ký không có trong sổ",
      "bad-key-entry": "một mục khoá trong sổ không hợp lệ",
      "key-not-valid-then": "khoá không còn hoặc chưa có hiệu lực ở chỗ đó của sổ",
      "not-approved": "phần duyệt bằng khoá của người dùng không khớp",
      "disclosure-mismatch": "phần hiện ra không khớp phần đã ký",
      "not-this-entry": "mục trong sổ là của dòng khác",
      "not-in-log": "một mục không nằm trong sổ",
      "not-consistent": "sổ không nối tiếp bản cũ",
      "not-witnessed": "mốc của sổ không được ký như chính sách đòi",
      stale: "mốc của sổ đã quá cũ",
      "chain-gap": "chuỗi dòng bị khuyết",
      "wrong-thing": "mục trong sổ là của vật khác",
      "receipt-older": "biên nhận không phải cho mốc này của sổ",
    },
  },
  en: {
    working: "Checking on this device…",
    details: "Details, line by line",
    lines: "{n} lines: each carries the named organisation's signature and is in the public log.",
    witnessed: "{who} saw this log on {day}; changes to these lines after {since} would be noticed.",
    book: "Dates are those of the log; no witness yet.",
    ends: "At {time}, by the log, its operator signed that these chains of lines end here.",
    withheld: "{n} members are withheld and not shown here.",
    hidden: "{n} lines are withheld as a whole.",
    erased: "{n} members were erased by right of the person they were about.",
    replayed: "{n} lines repeat an earlier one; only the first counts.",
    server: "{n} lines are signed with a key that the platform keeps: the platform can sign too.",
    flagged: "{n} lines are signed with a key later reported to be in other hands.",
    late: "{n} lines were recorded more than 3 days after what they tell.",
    recalled: "Among these lines is a recall.",
    hold: "Among these lines is a notice to stop selling for now.",
    notice: "Among these lines is a notice.",
    unknown: "Whether there is a recall is not known: part of the origin is not shown here.",
    limit: "A signature tells who said it and since when; it does not replace testing.",
    own: "The page you are looking at sent this checking code itself. To need no trust in the page, use a checking file from elsewhere.",
    cannot:
      "This device cannot check: its browser has no Ed25519 signatures yet, or the page was not opened over https. That says nothing about the record.",
    refused: "Does not fit at step {step}/9: {reason}. Whose fault it is, is not known.",
    several:
      "This record runs through several logs; the checker in the browser reads one only. Use trace-verify.pyz on a computer.",
    failed: "The proof could not be fetched. Try again when connected.",
    policy: "The policy file cannot be read.",
    reasons: {
      unreadable: "the proof cannot be read",
      "bad-signature": "a line does not fit its signature",
      "issuer-mismatch": "the key does not belong to the named organisation",
      "unknown-key": "the signing key is not in the log",
      "bad-key-entry": "a key entry of the log does not hold",
      "key-not-valid-then": "the key was not valid at that place of the log",
      "not-approved": "the approval by the user's key does not hold",
      "disclosure-mismatch": "what is shown is not what was signed",
      "not-this-entry": "the entry belongs to another line",
      "not-in-log": "an entry is not in the log",
      "not-consistent": "the log does not continue its older state",
      "not-witnessed": "the log's checkpoint is not signed as the policy asks",
      stale: "the log's checkpoint is too old",
      "chain-gap": "a chain of lines has a gap",
      "wrong-thing": "the entry is about another thing",
      "receipt-older": "the receipt is not for this checkpoint",
    },
  },
};

const two = (number) => String(number).padStart(2, "0");
// Hà Nội time, day first, on every device alike: Việt Nam has kept UTC+7 since 1975.
const day = (ms) => {
  const at = new Date(ms + 7 * 36e5);
  return `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`;
};
const time = (ms) => {
  const at = new Date(ms + 7 * 36e5);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())} ${day(ms)}`;
};

export const wordsOf = (language) => (/^en/.test(language) ? WORDS.en : WORDS.vi);

/**
 * [level, sentence] of a result of `verify`. Level: "ok" what was proven, "info" beside it, "warn"
 * what asks for attention, "no" a refusal. `own`: the page being judged sent the code itself.
 */
export const sentences = (result, language, policy, own) => {
  const words = wordsOf(language);
  const fill = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);
  const { ok, step, code } = result;
  const other = { "cannot-check": "cannot", "several-logs": "several", failed: "failed" }[code];
  if (ok === null) return [["warn", words[other]]];
  if (!ok) {
    if (code == "bad-policy") return [["no", words.policy]];
    const reason = words.reasons[code] ?? code;
    return [["no", fill(words.refused, { step, reason })]];
  }
  const { statements, findings, witnesses, witnessed, since } = result;
  const said = [];
  const count = (level, name, n) => n && said.push([level, fill(words[name], { n })]);
  const found = (code) => findings.filter((one) => one.code == code);
  if (result.recall != "none-shown") said.push(["warn", words[result.recall]]);
  count("ok", "lines", statements.length);
  if (witnesses.length) {
    const named = (name) => policy.witnesses.find((one) => one.name == name)?.operator || name;
    const who = witnesses.map(named).join(", ");
    said.push(["ok", fill(words.witnessed, { who, day: day(witnessed), since: day(since ?? witnessed) })]);
  } else said.push(["info", words.book]);
  said.push(["ok", fill(words.ends, { time: time(result.time) })]);
  count("info", "withheld", statements.reduce((sum, one) => sum + one.withheld.length - one.erased, 0));
  count("info", "hidden", found("withheld").filter((one) => one.detail == "the whole statement").length);
  count("info", "erased", statements.reduce((sum, one) => sum + one.erased, 0));
  count("info", "replayed", found("replayed").length);
  count("info", "late", found("recorded-late").length);
  count("warn", "flagged", statements.filter((one) => one.flagged).length);
  count("info", "server", statements.filter((one) => one.custody == "server").length);
  said.push(["info", words.limit]);
  if (own) said.push(["info", words.own]);
  return said;
};

/** Writes the sentences into an element as a list; text only, nothing is parsed as HTML. */
export const write = (place, said) => {
  const list = document.createElement("ul");
  list.className = "claims";
  list.style.cssText = "list-style: none; padding: 0"; // the signs below are the marks
  for (const [level, sentence] of said) {
    const item = document.createElement("li");
    item.className = level;
    item.textContent = `${{ ok: "✓", no: "✗", warn: "!", info: "·" }[level]} ${sentence}`;
    list.append(item);
  }
  place.replaceChildren(list);
};
