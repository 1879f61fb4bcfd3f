import type { Deployment, Value, ValueObject } from '../../emulator/index.ts';
import { addedTo, copiedName, importedName, inPlainJson, isMarker, isObject, OWN, type Copies } from './compare.ts';

/** What the documents of a table are, or have to be: their number, and 64 bits to which each field of each of them adds. */
export interface Digest {
  table: string;
  documents: number;
  hash: string;
}

/** The tables that a deployment has to be copied into. Equal digests mean that `compare` would find no differences. */
export function expectedDigests(source: Deployment): Digest[] {
  return source.tables().map(({ table, component }) => {
    const revisions = source.catalog.get(table, component)?.documents;
    const sum = new Sum();
    for (const original of source.documents(table, component)) {
      sum.begin();
      addFields(sum, original, true);
      addFields(sum, addedTo(table, component, revisions?.get(original._id)?.head?.ts), false);
      sum.end();
    }
    return sum.digest(copiedName(table, component));
  });
}

/** The tables that a deployment holds as copies. */
export function foundDigests(destination: Copies): Digest[] {
  return destination.tables().map(({ table }) => {
    const sum = new Sum();
    for (const copy of destination.documents(table)) {
      sum.begin();
      addFields(sum, copy, false, OWN);
      sum.end();
    }
    return sum.digest(table);
  });
}

export function sameDigests(expected: readonly Digest[], found: readonly Digest[]): boolean {
  const byTable = new Map(found.map((each) => [each.table, each]));
  const tables = new Set(expected.map(({ table }) => table));
  return (
    expected.every(({ table, documents, hash }) => {
      const other = byTable.get(table);
      return other === undefined ? documents === 0 : other.documents === documents && other.hash === hash;
    }) && found.every(({ table, documents }) => tables.has(table) || isMarker(table, documents))
  );
}

// The hash of what is being added: two lanes of 32 bits.
let [a, b] = [0, 0];

function restart(): void {
  a = 0x9e3779b9;
  b = 0x85ebca77;
}

function addWord(word: number): void {
  a = Math.imul(a ^ word, 0x85ebca6b);
  a ^= a >>> 13;
  b = Math.imul(b ^ word, 0xc2b2ae35);
  b ^= b >>> 16;
}

function addText(text: string): void {
  for (let at = 0; at < text.length; at++) addWord(text.charCodeAt(at));
  addWord(text.length);
}

/** A sum: neither the order of fields nor that of documents counts, so nothing has to be sorted. */
class Sum {
  #documents = 0;
  #tableA = 0;
  #tableB = 0;
  #documentA = 0;
  #documentB = 0;

  begin(): void {
    this.#documentA = 0;
    this.#documentB = 0;
  }

  /** Adds what has been hashed since `restart` to the document. */
  field(): void {
    this.#documentA = (this.#documentA + a) | 0;
    this.#documentB = (this.#documentB + b) | 0;
  }

  /** Hashed once more: fields that two documents exchange change the sum. */
  end(): void {
    restart();
    addWord(this.#documentA);
    addWord(this.#documentB);
    this.#tableA = (this.#tableA + a) | 0;
    this.#tableB = (this.#tableB + b) | 0;
    this.#documents++;
  }

  digest(table: string): Digest {
    return { table, documents: this.#documents, hash: `${this.#tableA},${this.#tableB}` };
  }
}

/** `plain`: the values as plain JSON says them, under the names that the import gives them. */
function addFields(sum: Sum, object: ValueObject, plain: boolean, without: readonly string[] = []): void {
  for (const name in object) {
    if (without.includes(name)) continue;
    restart();
    addText(plain ? importedName(name) : name);
    addValue(object[name] ?? null, plain);
    sum.field();
  }
}

const bits = new DataView(new ArrayBuffer(8));
const [TEXT, NUMBER, OTHER, BYTES, LIST, OBJECT] = [1, 2, 3, 4, 5, 6];

/** Types are told apart: 0 is not -0, and an int64 is no number. */
function addValue(given: Value, plain: boolean): void {
  const value = plain ? (inPlainJson(given) ?? null) : given;
  if (typeof value === 'string') {
    addWord(TEXT);
    addText(value);
  } else if (typeof value === 'number') {
    addWord(NUMBER);
    bits.setFloat64(0, value);
    addWord(bits.getInt32(0));
    addWord(bits.getInt32(4));
  } else if (value instanceof ArrayBuffer) {
    addWord(BYTES);
    addText(Buffer.from(value).toString('base64'));
  } else if (Array.isArray(value)) {
    addWord(LIST);
    for (const element of value) addValue(element, plain);
    addWord(value.length);
  } else if (isObject(value)) {
    // In the order of the names that it has in the copy.
    const names = Object.keys(value).map((name) => [plain ? importedName(name) : name, name] as const);
    names.sort(([one], [other]) => (one < other ? -1 : 1));
    addWord(OBJECT);
    for (const [copied, name] of names) {
      addText(copied);
      addValue(value[name] ?? null, plain);
    }
    addWord(names.length);
  } else {
    addWord(OTHER);
    addText(`${typeof value} ${value}`);
  }
}
