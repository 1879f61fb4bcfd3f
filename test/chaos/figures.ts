/** What campaigns have counted, in words, and the sums over several seeds. */
import type { Figures } from './campaign.ts';
import type { ReplacedFigures } from './replaced-tables/campaign.ts';

/** One kind of campaign, run with one seed after the other. */
export type Seeded = Pick<Trial<Figures>, 'name' | 'run' | 'text' | 'failed'>;

export class Trial<F extends Figures | ReplacedFigures> {
  readonly name: string;
  readonly #campaign: (seed: number) => Promise<F>;
  readonly #describe: (figures: F) => string;
  #sum: F | undefined;

  constructor(name: string, campaign: (seed: number) => Promise<F>, describe: (figures: F) => string) {
    this.name = name;
    this.#campaign = campaign;
    this.#describe = describe;
  }

  async run(seed: number): Promise<{ text: string; complaints: string[] }> {
    const figures = await this.#campaign(seed);
    this.#sum = this.#sum === undefined ? figures : add(this.#sum, figures);
    return { text: this.#describe(figures), complaints: figures.complaints };
  }

  /** The sums over all seeds. */
  get text(): string {
    return this.#sum === undefined ? '' : this.#describe(this.#sum);
  }

  get failed(): boolean {
    return this.#sum !== undefined && this.#sum.complaints.length > 0;
  }
}

function add<F extends Figures | ReplacedFigures>(sum: F, figures: F): F {
  const numbers = figures as unknown as Record<string, number>;
  const total = { ...sum };
  for (const [name, value] of Object.entries(sum)) {
    if (typeof value === 'number') Object.assign(total, { [name]: value + numbers[name]! });
  }
  return { ...total, complaints: [...sum.complaints, ...figures.complaints] };
}

export function describeFigures(figures: Figures): string {
  const { kills, processes, syncs, completed, gaveUp, oneFailing, faults, states, transactions, revisions, records } =
    figures;
  const { looks, replacements, corrected } = figures;
  return [
    `${kills} kills (${processes} processes) in ${syncs} syncs`,
    `${completed} completed, ${gaveUp} gave up, ${oneFailing} with a stream that fails`,
    `${faults} faults`,
    `${transactions} transactions with ${revisions} revisions`,
    `${records} records`,
    `${states} states compared`,
    ...(looks > 0 ? [`${looks} looks at the tables, which were replaced ${replacements} times`] : []),
    ...(corrected > 0 ? [`${corrected} replacements were followed by rows that came again`] : []),
    verdict(figures),
  ].join('; ');
}

export function describeReplaced(figures: ReplacedFigures): string {
  const { kills, syncs, completed, gaveUp, quiet, unquiet, unquietExact, faults, records, requests } = figures;
  const { transactions, imports, swaps, failedImports, clears, drops, creations } = figures;
  return [
    `${kills} kills in ${syncs} syncs`,
    `${completed} completed, ${gaveUp} gave up`,
    `${quiet} quiet syncs compared, ${unquietExact} of ${unquiet} others exact`,
    `${transactions} transactions`,
    `${imports} imports begun, ${failedImports} failed or cancelled, ${swaps} tables imported over`,
    `${clears} cleared, ${drops} dropped, ${creations} made`,
    `${faults} faults`,
    `${records} records in ${requests} requests`,
    verdict(figures),
  ].join('; ');
}

function verdict({ complaints }: { complaints: string[] }): string {
  return complaints.length === 0 ? 'nothing lost' : `${complaints.length} PROMISES BROKEN`;
}
