import { Decimal128 } from 'mongodb';
import { expect, it } from 'vitest';
import { type CurrentDatabase, freshCollection } from './helpers.ts';

export function aggregations(current: CurrentDatabase): void {
  it('sums of $toDecimal products are exact and do not depend on the order', async () => {
    const lines = await freshCollection(current());
    const quantities = [0.1, 0.2, 100_000_000, 0.3, -0.1, 3];
    await lines.insertMany(quantities.map((quantity, _id) => ({ _id, quantity, price: 0.07 })));
    const product = { $multiply: [{ $toDecimal: '$quantity' }, { $toDecimal: '$price' }] };
    const sumSortedBy = async (direction: 1 | -1) => {
      const total = { $group: { _id: null, total: { $sum: product } } };
      const rounded = { $project: { total: 1, value: { $toDouble: { $round: ['$total', 4] } } } };
      return (await lines.aggregate([{ $sort: { quantity: direction } }, total, rounded]).toArray())[0];
    };
    const [up, down] = [await sumSortedBy(1), await sumSortedBy(-1)];
    expect(up?.['total']).toBeInstanceOf(Decimal128);
    expect(Number(up?.['total'])).toBe(7_000_000.245);
    expect(String(up?.['total'])).toBe(String(down?.['total']));
    expect(up?.['value']).toBe(7_000_000.245);
  });

  it('$round rounds half to even', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(
      ['0.00005', '0.00015'].map((text, _id) => ({ _id, value: Decimal128.fromString(text) })),
    );
    const rounded = [
      { $sort: { _id: 1 } },
      { $project: { value: { $toDouble: { $round: ['$value', 4] } } } },
    ];
    expect((await lines.aggregate(rounded).toArray()).map(({ value }) => value)).toEqual([0, 0.0002]);
  });

  it('$lookup joins, $facet answers several questions at once', async () => {
    const [sessions, lines] = [await freshCollection(current()), await freshCollection(current())];
    await sessions.insertMany([
      { _id: 's1', warehouse: 'A' },
      { _id: 's2', warehouse: 'B' },
    ]);
    await lines.insertMany([
      { _id: 1, session: 's1', n: 2 },
      { _id: 2, session: 's1', n: 3 },
      { _id: 3, session: 's2', n: 5 },
    ]);
    const [result] = await lines
      .aggregate([
        { $lookup: { from: sessions.collectionName, localField: 'session', foreignField: '_id', as: 'of' } },
        { $unwind: '$of' },
        {
          $facet: {
            total: [{ $count: 'lines' }],
            perWarehouse: [{ $group: { _id: '$of.warehouse', n: { $sum: '$n' } } }, { $sort: { _id: 1 } }],
          },
        },
      ])
      .toArray();
    expect(result).toEqual({
      total: [{ lines: 3 }],
      perWarehouse: [
        { _id: 'A', n: 5 },
        { _id: 'B', n: 5 },
      ],
    });
  });

  it('$merge replaces documents and keeps the others', async () => {
    const [source, target] = [await freshCollection(current()), await freshCollection(current())];
    await source.insertMany([
      { _id: 1, n: 2 },
      { _id: 2, n: 3 },
    ]);
    await target.insertMany([
      { _id: 1, old: true },
      { _id: 9, old: true },
    ]);
    await source.aggregate([{ $merge: { into: target.collectionName, whenMatched: 'replace' } }]).toArray();
    expect(await target.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 2 },
      { _id: 2, n: 3 },
      { _id: 9, old: true },
    ]);
  });

  it('$setWindowFields puts the previous period beside each', async () => {
    const periods = await freshCollection(current());
    await periods.insertMany([
      { _id: 2, n: 20 },
      { _id: 1, n: 10 },
      { _id: 3, n: 30 },
    ]);
    const previous = { $shift: { output: '$n', by: -1, default: null } };
    const stage = { $setWindowFields: { sortBy: { _id: 1 }, output: { previous } } };
    const answers = await periods.aggregate([stage, { $sort: { _id: 1 } }]).toArray();
    expect(answers.map((answer) => answer['previous'])).toEqual([null, 10, 20]);
  });
}
