// What our browser code needs of a browser: `{files: [{name, text, year}], table}` on standard input,
// a list of complaints on standard output. A file must parse as ECMAScript of its year, and may use
// what the table calls younger than its browsers only where the table says that it asks first.
import { parse } from "acorn";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { files, table } = JSON.parse(Buffer.concat(chunks).toString("utf8"));

/** Every name that code takes from the language or the browser: globals and members. */
function* names(node) {
  if (node.type === "MemberExpression" && !node.computed) yield node.property.name;
  if (node.type === "Identifier") yield node.name;
  if (node.type === "ImportExpression") yield "import()";
  if (node.type === "Literal" && typeof node.bigint === "string") yield "BigInt";
  if (node.type === "Literal" && node.regex && /\(\?<[=!]/.test(node.regex.pattern)) yield "lookbehind";
  for (const child of Object.values(node)) {
    for (const one of Array.isArray(child) ? child : [child]) {
      if (one && typeof one.type === "string") yield* names(one);
    }
  }
}

const complaints = [];
for (const { name, text, year, chrome, safari } of files) {
  let tree;
  try {
    tree = parse(text, { ecmaVersion: year, sourceType: "module" });
  } catch (error) {
    complaints.push(`${name}: not ES${year}: ${error.message}`);
    continue;
  }
  for (const used of new Set(names(tree))) {
    const known = Object.hasOwn(table, used) ? table[used] : null;
    if (known === null || (known.chrome <= chrome && known.safari <= safari)) continue;
    if (!known.asked.includes(name)) complaints.push(`${name}: ${used} needs Chrome ${known.chrome}, Safari ${known.safari}`);
  }
}
console.log(JSON.stringify(complaints));
