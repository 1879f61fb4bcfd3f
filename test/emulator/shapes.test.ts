import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains } from '../../emulator/shapes/shape-relations.ts';
import { reduce } from '../../emulator/shapes/shape-reduction.ts';
import { empty, insert, remove, type Shape } from '../../emulator/shapes/shapes.ts';
import { toObject, type ValueObject } from '../../emulator/values/values.ts';

const leaf = fc.oneof(
  fc.constantFrom(null, true, 1n, 1, -0, NaN, Infinity, 'word', 'two words', 'ünicode'),
  fc.integer({ min: 0, max: 40 }).map((n) => `literal${n}`),
  fc.constant(new ArrayBuffer(1)),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'not an identifier'), tie('value'), { maxKeys: 3 }),
}));
const documents = fc.array(
  fc
    .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e f'), value, { maxKeys: 3 })
    .map((fields) => toObject(fields as object)),
  { minLength: 1, maxLength: 40 },
);

function shapeOfAll(all: ValueObject[]): Shape {
  return all.reduce<Shape>((shape, document) => insert(shape, document), empty());
}

describe('the shape of a table', () => {
  test('contains every document that was inserted, and counts them', () => {
    fc.assert(
      fc.property(documents, (all) => {
        const shape = shapeOfAll(all);
        expect(shape.count).toBe(all.length);
        for (const document of all) expect(contains(shape, document)).toBe(true);
      }),
    );
  });

  test('still contains the rest when documents are removed, and is never’s when all are', () => {
    fc.assert(
      fc.property(documents, fc.nat(), (all, seed) => {
        let shape = shapeOfAll(all);
        const order = all.map((document, n) => ({ document, at: (n * 7919 + seed) % 101 })).sort((a, b) => a.at - b.at);
        for (const [n, { document }] of order.entries()) {
          shape = remove(shape, document);
          expect(shape.count).toBe(all.length - n - 1);
          for (const left of order.slice(n + 1)) expect(contains(shape, left.document)).toBe(true);
        }
        expect(shape).toEqual(empty());
      }),
    );
  });

  test('has disjoint variants, sixteen at most', () => {
    const check = (shape: Shape): void => {
      if (shape.kind === 'union') {
        expect(shape.variants.length).toBeGreaterThanOrEqual(2);
        expect(shape.variants.length).toBeLessThanOrEqual(16);
        expect(shape.variants.some(({ kind }) => kind === 'union' || kind === 'never' || kind === 'unknown')).toBe(
          false,
        );
        expect(shape.variants.reduce((sum, variant) => sum + variant.count, 0)).toBe(shape.count);
        shape.variants.forEach(check);
      }
      if (shape.kind === 'array') check(shape.element);
      if (shape.kind === 'object') for (const field of shape.fields.values()) check(field.shape);
    };
    fc.assert(
      fc.property(documents, (all) => {
        check(shapeOfAll(all));
      }),
    );
  });

  test('reduces to an object as long as all documents have few fields with good names', () => {
    const plain = documents.map((all) => all.filter((document) => !('e f' in document)));
    fc.assert(
      fc.property(plain, (all) => {
        const { kind } = reduce(shapeOfAll(all), () => false);
        expect(kind).toBe(all.length === 0 ? 'never' : 'object');
      }),
    );
  });

  test('a document that it does not have cannot be removed', () => {
    expect(() => remove(shapeOfAll([toObject({ a: 1 })]), toObject({ a: 'x' }))).toThrow();
    expect(() => remove(empty(), toObject({}))).toThrow();
  });
});
