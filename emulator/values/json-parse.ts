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

/** A key that occurs twice keeps its first place and its last value; `duplicates` remembers it. */
export class JsonObject extends Map<string, Json> {
  readonly duplicates = new Set<string>();
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

/** @throws JsonSyntaxError naming the place, in serde's words where they are known. */
export function parseJson(text: string): Json {
  return new Parser(text).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;
// eslint-disable-next-line no-control-regex -- JSON forbids control characters inside strings
const PLAIN = /[^"\\\u0000-\u001f]*/y;
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
  readonly #path: string[] = [];

  constructor(text: string) {
    this.#text = text;
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
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
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

  #nested<T>(parse: () => T): T {
    if (++this.#depth >= MAX_DEPTH) this.#fail('recursion limit exceeded');
    this.#position++;
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object = new JsonObject();
    this.#skip();
    if (this.#take('}')) return object;
    for (;;) {
      this.#skip();
      if (this.#text[this.#position] !== '"')
        this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'key must be a string');
      const key = this.#string();
      this.#skip();
      if (!this.#take(':')) this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'expected `:`');
      this.#path.push(this.#path.length === 0 ? key : `.${key}`);
      const value = this.#value();
      this.#path.pop();
      if (object.has(key)) object.duplicates.add(key);
      object.set(key, value);
      this.#skip();
      if (this.#take('}')) return object;
      if (!this.#take(',')) this.#fail(this.#atEnd() ? 'EOF while parsing an object' : 'expected `,` or `}`');
      this.#skip();
      if (this.#text[this.#position] === '}') this.#fail('trailing comma');
    }
  }

  #array(): Json[] {
    const array: Json[] = [];
    this.#skip();
    if (this.#take(']')) return array;
    for (;;) {
      this.#path.push(`[${array.length}]`);
      array.push(this.#value());
      this.#path.pop();
      this.#skip();
      if (this.#take(']')) return array;
      if (!this.#take(',')) this.#fail(this.#atEnd() ? 'EOF while parsing a list' : 'expected `,` or `]`');
      this.#skip();
      if (this.#text[this.#position] === ']') this.#fail('trailing comma');
    }
  }

  #string(): string {
    this.#position++;
    let text = '';
    for (;;) {
      text += this.#match(PLAIN);
      const character = this.#text[this.#position++];
      if (character === '"') break;
      if (character === undefined) this.#fail('EOF while parsing a string');
      if (character !== '\\') this.#fail('control character (\\u0000-\\u001F) found while parsing a string');
      text += this.#escape();
    }
    // serde refuses escapes that make half a surrogate pair
    if (!text.isWellFormed()) this.#fail('unexpected end of hex escape');
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
    if (/^\d/.test(this.#text.slice(this.#position, this.#position + 1))) this.#fail('invalid number');
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
    throw new JsonSyntaxError(`${reason} at ${place}`, this.#path.join(''));
  }
}
