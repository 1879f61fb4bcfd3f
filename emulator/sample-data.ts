import type { Deployment } from './store/deployment.ts';

/**
 * A small shop: tables whose documents reference each other, a component, every type that Convex has, an empty table,
 * and some history of changes.
 */
export function addSampleData(deployment: Deployment): void {
  const users: string[] = [];
  const products: string[] = [];
  deployment.createTable('drafts');
  deployment.transaction((tx) => {
    for (const name of ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan']) {
      users.push(tx.insert('users', { name, email: `${name.toLowerCase()}@example.com`, admin: name === 'Ada' }));
    }
    for (const [name, cents] of [
      ['Lamp', 4990n],
      ['Chair', 12900n],
      ['Desk', 39900n],
    ] as const) {
      const icon = new Uint8Array([137, 80, 78, 71, products.length]).buffer;
      products.push(tx.insert('products', { name, cents, weight: 1.5 * (products.length + 1), icon, tags: [] }));
    }
  });
  const orders: string[] = [];
  for (const [position, user] of users.entries()) {
    deployment.transaction((tx) => {
      const lines = products
        .slice(0, (position % 3) + 1)
        .map((product) => ({ product, quantity: BigInt(position + 1) }));
      orders.push(
        tx.insert('orders', { user, lines, total: 10 * (position + 1), note: position === 0 ? null : 'thanks' }),
      );
    });
    deployment.systemWrite(3);
  }
  deployment.transaction((tx) => {
    tx.insert('tickets', { subject: 'Where is my lamp?', user: users[0], open: true, weight: -0 }, 'helpdesk');
    tx.insert('tickets', { subject: 'It works, thanks', user: users[1], open: false, weight: NaN }, 'helpdesk');
  });
  const [firstUser, secondUser] = users;
  const [firstOrder] = orders;
  if (firstUser === undefined || secondUser === undefined || firstOrder === undefined) return;
  deployment.transaction((tx) => {
    tx.patch(firstUser, { email: 'ada@example.org' });
    tx.delete(firstOrder);
  });
}

/** `count` documents of a few hundred bytes in the table `items`. */
export function addItems(deployment: Deployment, count: number): void {
  deployment.load(
    'items',
    (function* () {
      for (let n = 0; n < count; n++) {
        yield {
          number: BigInt(n),
          name: `Item ${n}`,
          price: n / 8,
          ratio: n / 3,
          description: 'An item that exists so that there is something to move. '.repeat(1 + (n % 4)),
          tags: ['sample', `group-${n % 10}`],
        };
      }
    })(),
  );
}
