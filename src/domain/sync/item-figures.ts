import type { CountLine } from '../../contract/schemas/count-line.ts';
import { toNumber } from '../decimal.ts';
import type { ItemFigures } from '../events/item-events.ts';
import { countedItem } from '../variance/counted-item.ts';

/** The figures of an item event: the line that changed and the item over all its locations (contract 6). */
export function itemFigures(line: CountLine, itemLines: readonly CountLine[]): ItemFigures {
  const item = countedItem(itemLines);
  return {
    item_code: line.item_code,
    session_id: line.session_id,
    location: line.location,
    line_quantity: line.voided_at === undefined ? line.counted_qty : null,
    physical_count: item ? toNumber(item.quantity) : 0,
    erp_quantity: item?.book ? toNumber(item.book) : null,
    variance: item?.variance ? toNumber(item.variance) : null,
    has_variance: item?.has_variance ?? false,
    version: line.version,
  };
}
