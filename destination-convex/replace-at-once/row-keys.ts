/** Primary keys of rows as text: equal if Convex's index for deduplication takes them for one. Pure. */
import { BACKSLASH, Members, OPEN_BRACE, QUOTE, stringAt } from '../../shared/json/raw.ts';

/** What is below one name of a key's paths. */
interface Branch {
  name: string;
  bytes: Buffer;
  /** The place in the key of the value itself; -1 where only fields inside of it are part of the key. */
  place: number;
  inner: Branch[];
}

export class RowKeys {
  readonly #fields: number;
  readonly #branches: Branch[] = [];

  /** `paths`: of the fields of the key, as the stored document calls them. */
  constructor(paths: readonly (readonly string[])[]) {
    this.#fields = paths.length;
    for (const [place, path] of paths.entries()) plant(this.#branches, path, place);
  }

  /** The key of the row `buffer[start, end)`. A missing field has a text that no value has. */
  of(buffer: Buffer, start: number, end: number): string {
    const values = Array.from({ length: this.#fields }, () => '');
    collect(this.#branches, buffer, start, end, values);
    return values.length === 1 ? values[0]! : values.join(',');
  }
}

function plant(branches: Branch[], [name, ...rest]: readonly string[], place: number): void {
  if (name === undefined) return;
  let branch = branches.find((one) => one.name === name);
  if (branch === undefined) branches.push((branch = { name, bytes: Buffer.from(name), place: -1, inner: [] }));
  if (rest.length === 0) branch.place = place;
  else plant(branch.inner, rest, place);
}

/** Of a field that stands twice, the last value counts (C177). */
function collect(branches: readonly Branch[], buffer: Buffer, start: number, end: number, values: string[]): void {
  const members = new Members().open(buffer, start, end);
  while (members.next()) {
    const { keyStart, keyEnd, valueStart, valueEnd } = members;
    const name = isEscaped(buffer, keyStart, keyEnd) ? members.key() : undefined;
    for (const { name: wanted, bytes, place, inner } of branches) {
      if (name === undefined ? !members.keyIs(bytes) : name !== wanted) continue;
      if (place !== -1) values[place] = textOf(buffer, valueStart, valueEnd);
      if (inner.length > 0 && buffer[valueStart] === OPEN_BRACE) collect(inner, buffer, valueStart, valueEnd, values);
    }
  }
}

function isEscaped(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (buffer[at] === BACKSLASH) return true;
  return false;
}

/** Text that values share if Convex stores them alike: numbers are float64 (C40), `-0` is not `0`. */
function textOf(buffer: Buffer, start: number, end: number): string {
  if (buffer[start] === QUOTE) {
    const plain = isEscaped(buffer, start, end) ? JSON.stringify(stringAt(buffer, start, end)) : undefined;
    return plain ?? buffer.toString('utf8', start, end);
  }
  return canonical(JSON.parse(buffer.toString('utf8', start, end)) as unknown);
}

function canonical(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`);
  return `{${fields.sort().join(',')}}`;
}
