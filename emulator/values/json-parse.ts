/**
 * JSON as Rust's serde_json reads it, numbers kept as their text: a cursor of nineteen digits must not pass through a
 * double, and `1.0` is no integer. Objects are Maps, so that any key is a key.
 */
export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject;

export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Neither point nor exponent, and not `-0`, which serde reads as a float. */
  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text) && this.text !== '-0';
  }
}

const NO_DUPLICATES: ReadonlySet<string> = new Set();

/** A key that occurs twice keeps its first place and its last value; `duplicates` remembers it. */
export class JsonObject extends Map<string, Json> {
  #duplicates: Set<string> | undefined;

  get duplicates(): ReadonlySet<string> {
    return this.#duplicates ?? NO_DUPLICATES;
  }

  /** As `set`, and remembers a key that was there. */
  add(key: string, value: Json): void {
    const size = this.size;
    this.set(key, value);
    if (this.size === size) (this.#duplicates ??= new Set()).add(key);
  }
}

/** serde_json gives up at this depth. */
const MAX_DEPTH = 128;

export class JsonSyntaxError extends Error {
  /** Where the value is that could not be read, as `messages[0].data.a`. Empty at the top. */
  readonly path: string;

  constructor(message: string, path: string) {
    super(message);
    this.path = path;
  }
}

/** Reads objects at some places faster than the parser does, with the same result. */
export interface QuickReader {
  /** Whether it reads an object at a path, as messages name it. */
  applies: (path: readonly (string | number)[]) => boolean;
  /**
   * Reads the object that begins at a position of a text in which no character is half a surrogate pair.
   * Undefined for whatever the parser has to read, or to refuse, itself.
   */
  read: (text: string, start: number) => { object: JsonObject; end: number } | undefined;
}

/** @throws JsonSyntaxError naming the place, in serde's words where they are known. */
export function parseJson(text: string, quick?: QuickReader): Json {
  return new Parser(text, quick).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;
const [QUOTE, BACKSLASH, BLANK] = [0x22, 0x5c, 0x20];
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  readonly #text: string;
  #position = 0;
  #depth = 0;
  /** Where the value is that is being read, as messages name it. */
  readonly #path: (string | number)[] = [];
  /** The key that came after a key the last time: documents of a table have the same keys, which are not made anew. */
  readonly #following = new Map<string, string>();
  /** Whether no string can have half a surrogate pair, unless an escape makes it. */
  readonly #wellFormed: boolean;

  readonly #quick: QuickReader | undefined;

  constructor(text: string, quick: QuickReader | undefined) {
    this.#text = text;
    this.#quick = quick;
    this.#wellFormed = text.isWellFormed();
  }

  document(): Json {
    const value = this.#value();
    this.#skip();
    if (this.#position < this.#text.length) this.#fail('trailing characters');
    return value;
  }

  #value(): Json {
    this.#skip();
    const character = this.#text[this.#position];
    switch (character) {
      case undefined:
        return this.#fail('EOF while parsing a value');
      case '{':
        return this.#quickly() ?? this.#object();
      case '[':
        this.#enter();
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #enter(): void {
    if (++this.#depth >= MAX_DEPTH) this.#fail('recursion limit exceeded');
    this.#position++;
  }

  #leaves(bracket: string): boolean {
    if (!this.#take(bracket)) return false;
    this.#depth--;
    return true;
  }

  #quickly(): JsonObject | undefined {
    if (this.#quick?.applies(this.#path) !== true || !this.#wellFormed) return undefined;
    const read = this.#quick.read(this.#text, this.#position);
    if (read !== undefined) this.#position = read.end;
    return read?.object;
  }

  #object(): JsonObject {
    this.#enter();
    const object = new JsonObject();
    let key = '';
    this.#skip();
    if (this.#leaves('}')) return object;
    for (;;) {
      this.#skip();
      if (this.#text[this.#position] !== '"')
        this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'key must be a string');
      key = this.#key(key);
      this.#skip();
      if (!this.#take(':')) this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'expected `:`');
      this.#path.push(key);
      object.add(key, this.#value());
      this.#path.pop();
      this.#skip();
      if (this.#leaves('}')) return object;
      if (!this.#take(',')) this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'expected `,` or `}`');
      this.#skip();
      if (this.#text[this.#position] === '}') this.#fail('trailing comma');
    }
  }

  #array(): Json[] {
    const array: Json[] = [];
    this.#skip();
    if (this.#leaves(']')) return array;
    for (;;) {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
      this.#skip();
      if (this.#leaves(']')) return array;
      if (!this.#take(',')) this.#fail(this.#atEnd() ? 'EOF while parsing a list' : 'expected `,` or `]`');
      this.#skip();
      if (this.#text[this.#position] === ']') this.#fail('trailing comma');
    }
  }

  /** The key at the position; `before` is the one before it in its object, or ''. */
  #key(before: string): string {
    const start = this.#position + 1;
    const expected = this.#following.get(before);
    if (expected !== undefined && this.#text.startsWith(expected, start)) {
      const end = start + expected.length;
      if (this.#text.charCodeAt(end) === QUOTE) {
        this.#position = end + 1;
        return expected;
      }
    }
    const key = this.#string();
    // A key that is longer in its text has escapes, which are not compared.
    if (this.#position === start + key.length + 1) this.#following.set(before, key);
    return key;
  }

  #string(): string {
    let text = '';
    let start = ++this.#position;
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== QUOTE && code !== BACKSLASH && code >= BLANK) {
        this.#position++;
        continue;
      }
      text += this.#text.slice(start, this.#position++);
      if (code === QUOTE) break;
      if (Number.isNaN(code)) this.#fail('EOF while parsing a string');
      if (code !== BACKSLASH) this.#fail('control character (\\u0000-\\u001F) found while parsing a string');
      text += this.#escape();
      start = this.#position;
      escaped = true;
    }
    // serde refuses escapes that make half a surrogate pair
    if ((escaped || !this.#wellFormed) && !text.isWellFormed()) this.#fail('unexpected end of hex escape');
    return text;
  }

  #escape(): string {
    const character = this.#text[this.#position++] ?? '';
    if (character === 'u') {
      const hex = this.#text.slice(this.#position, this.#position + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail('invalid escape');
      this.#position += 4;
      return String.fromCharCode(parseInt(hex, 16));
    }
    return ESCAPES[character] ?? this.#fail('invalid escape');
  }

  #number(): JsonNumber {
    const text = this.#match(NUMBER);
    if (text === '') this.#fail('expected value');
    const code = this.#text.charCodeAt(this.#position);
    if (code >= 0x30 && code <= 0x39) this.#fail('invalid number');
    if (!Number.isFinite(Number(text))) this.#fail('number out of range');
    return new JsonNumber(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#position)) this.#fail('expected ident');
    this.#position += word.length;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const text = pattern.exec(this.#text)?.[0] ?? '';
    this.#position += text.length;
    return text;
  }

  #skip(): void {
    const code = this.#text.charCodeAt(this.#position);
    if (code === 32 || code === 10 || code === 13 || code === 9) this.#match(WHITESPACE);
  }

  #take(character: string): boolean {
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #atEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  #fail(reason: string): never {
    const before = this.#text.slice(0, this.#position).split('\n');
    const place = `line ${before.length} column ${before.at(-1)?.length ?? 0}`;
    const path = this.#path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`));
    throw new JsonSyntaxError(`${reason} at ${place}`, path.join(''));
  }
}
