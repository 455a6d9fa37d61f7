import type { ClientSession, ObjectId } from 'mongodb';
import type { Database } from './database.ts';

/** What is read of the deployed app's ERP mirror. Nothing here ever writes it. */
export interface ErpItem {
  _id: ObjectId;
  item_code: string;
  stock_qty?: number;
  mrp?: number;
  category?: string;
}

/** The ERP rows of these items, by item code; unknown items are absent. */
export async function loadErpItems(
  database: Database,
  itemCodes: readonly string[],
  session?: ClientSession,
): Promise<Map<string, ErpItem>> {
  if (itemCodes.length === 0) return new Map();
  const rows = await database.erpItems
    .find(
      { item_code: { $in: [...itemCodes] } },
      { projection: { item_code: 1, stock_qty: 1, mrp: 1, category: 1 }, ...(session ? { session } : {}) },
    )
    .toArray();
  return new Map(rows.map((row) => [row.item_code, row]));
}
