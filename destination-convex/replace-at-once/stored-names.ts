/**
 * The names that Convex stores fields under, also of names beyond ASCII: streaming import transliterates them
 * (C37), the snapshot import refuses them. The deployment is asked how it spells their parts.
 */
import { partsToSpell, spelledFieldName } from '../../shared/convex/spelling.ts';

/**
 * Asks the deployment how it spells a part of a name; undefined where it cannot say
 * (`StreamingImport.spellingOf`).
 */
export type SpellingOf = (part: string) => Promise<string | undefined>;

/** Parts that are remembered. Documents may have any number of keys (a map by name). */
const MAX_REMEMBERED = 20_000;

export class StoredNames {
  readonly #missing = new Set<string>();
  readonly #spelling = new Map<string, string | undefined>();

  /**
   * The stored name of a field where nothing interferes; `unknown` where `learn` has to be called before;
   * `none` where Convex cannot name it.
   */
  of(name: string): { name: string } | 'unknown' | 'none' {
    const stored = spelledFieldName(name, this.#spelling);
    if (stored !== undefined) return { name: stored };
    const missing = partsToSpell(name).filter((part) => !this.#spelling.has(part));
    for (const part of missing) this.#missing.add(part);
    return missing.length > 0 ? 'unknown' : 'none';
  }

  /** Asks for what `of` did not know. */
  async learn(spellingOf: SpellingOf): Promise<void> {
    if (this.#spelling.size > MAX_REMEMBERED) this.#spelling.clear();
    for (const part of this.#missing) this.#spelling.set(part, await spellingOf(part));
    this.#missing.clear();
  }
}
