/**
 * The names that Convex stores fields under, also of names beyond ASCII: streaming import transliterates them (C37), the snapshot import
 * refuses them. The deployment is asked once for each character, since a name is transliterated character by character.
 */
import { fieldNameOf, isFieldName } from '../../shared/convex/identifiers.ts';

/** Asks the deployment what a table of this name would be called (`StreamingImport.nameOf`). */
export type NameOf = (name: string) => Promise<string | undefined>;

export class FieldNames {
  /** Characters that the deployment has to be asked for. */
  readonly #missing = new Set<string>();
  /** By character: what it becomes between two letters. */
  readonly #known = new Map<string, string>();

  /**
   * The stored name of a field where nothing interferes; `unknown` where `learn` has to be called before; `none` where Convex cannot name it.
   */
  of(name: string): { name: string } | 'unknown' | 'none' {
    const renamed = fieldNameOf(name);
    if (renamed.kind === 'name') return renamed;
    if (renamed.kind === 'too-long') return 'none';
    let slug = '';
    let isKnown = true;
    for (const character of name) {
      const piece = this.#pieceOf(character);
      if (piece === undefined) {
        this.#missing.add(character);
        isKnown = false;
      }
      slug += piece ?? '';
    }
    if (!isKnown) return 'unknown';
    const stored = `source_${slug.replace(/_+/g, '_').replace(/^_|_$/g, '')}`;
    return isFieldName(stored) ? { name: stored } : 'none';
  }

  /** Asks for what `of` did not know. */
  async learn(nameOf: NameOf): Promise<void> {
    for (const character of this.#missing) {
      // Between two letters nothing is cut off the ends.
      const answer = await nameOf(`x${character}x`);
      const piece = /^source_x([a-z0-9_]*)x$/.exec(answer ?? '')?.[1];
      if (piece === undefined) throw new Error('the deployment gave a name that this destination does not understand');
      this.#known.set(character, piece);
    }
    this.#missing.clear();
  }

  #pieceOf(character: string): string | undefined {
    if (character > '\u007f') return this.#known.get(character);
    const lower = character.toLowerCase();
    return /[a-z0-9]/.test(lower) ? lower : '_';
  }
}
