/** JSON in all the ways in which it can be written, for properties. */
import fc from 'fast-check';

/** What a string token may be made of: everything that decides where it ends, long runs, and characters of one to four bytes. */
const piece = fc.oneof(
  fc.constantFrom('', 'a', '{', '}', '[', ']', ',', ':', ' ', '/', 'é', '中', '😀', '\u2028', '\u007f'),
  fc.constantFrom('\\"', '\\\\', '\\/', '\\n', '\\u0041', '\\ud83d\\ude00', '\\ud800', '\\u0000', '\\u2028'),
  fc.constantFrom('x'.repeat(127), 'y'.repeat(300), '\\\\'.repeat(70), '\\"'.repeat(90), '😀'.repeat(40)),
);

export const stringToken = fc.array(piece, { maxLength: 6 }).map((pieces) => `"${pieces.join('')}"`);

const scalar = fc.oneof(
  stringToken,
  fc.constantFrom('0', '-0', '-0.0', '1.0', '1e400', '1790000000124494963', '-9223372036854775808', '5E-324'),
  fc.constantFrom('true', 'false', 'null'),
);

export const space = fc.constantFrom('', '', '', '', ' ', '\t', '\n', ' \r\n  ');

const between = (open: string, close: string, items: readonly string[], blanks: readonly string[]): string => {
  const blank = (i: number): string => blanks[i % blanks.length] ?? '';
  return `${open}${blank(0)}${items.map((item, i) => `${blank(i + 1)}${item}${blank(i + 2)}`).join(',')}${close}`;
};

const blanks = fc.array(space, { minLength: 1, maxLength: 4 });

const { value, object } = fc.letrec<{ value: string; object: string; member: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar,
    fc.tuple(fc.array(tie('value'), { maxLength: 4 }), blanks).map(([items, blank]) => between('[', ']', items, blank)),
    tie('object'),
  ),
  member: fc.tuple(stringToken, space, space, tie('value')).map(([key, a, b, text]) => `${key}${a}:${b}${text}`),
  object: fc
    .tuple(fc.array(tie('member'), { maxLength: 4 }), blanks)
    .map(([members, blank]) => between('{', '}', members, blank)),
}));

/** The text of any JSON value. */
export const jsonText = value;
/** The text of any JSON object. */
export const objectText = object;
export { between, blanks };

/** Cuts bytes at these places, taken round the length. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}
