import type { VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import { round4 } from '../decimal.ts';
import { percentWithout } from './percent.ts';

type Point = Pick<VarianceAnalytics, 'total_items_counted' | 'items_with_variance'>;

export interface Trend {
  /** Percent, over all items of all points: a day of ten items does not weigh as much as one of a thousand. */
  avg_accuracy: number;
  trend_direction: 'improving' | 'declining' | 'stable';
  /** Accuracy of the later half of the points less that of the earlier half, in percentage points. */
  trend_percent: number;
}

/** Less than this, in percentage points, is no trend. */
const STABLE_BELOW = 0.5;

/** The trend of points in order of time; those in which nothing was counted say nothing. */
export function trendOf(points: readonly Point[]): Trend {
  const counted = points.filter((point) => point.total_items_counted > 0);
  const middle = Math.floor(counted.length / 2);
  const change =
    middle === 0
      ? 0
      : round4(accuracyOf(counted.slice(counted.length - middle)) - accuracyOf(counted.slice(0, middle)));
  const direction = Math.abs(change) < STABLE_BELOW ? 'stable' : change > 0 ? 'improving' : 'declining';
  return { avg_accuracy: accuracyOf(counted), trend_direction: direction, trend_percent: change };
}

const accuracyOf = (points: readonly Point[]): number =>
  percentWithout(
    points.reduce((sum, point) => sum + point.items_with_variance, 0),
    points.reduce((sum, point) => sum + point.total_items_counted, 0),
  );
