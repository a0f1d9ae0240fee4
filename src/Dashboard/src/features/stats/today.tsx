import type { Stats } from '../../api/types';
import { Link } from '../../ui/link';
import { costText, totalsOf } from './figures';
import { useStatistics } from './use';

/** The cost of the turns since the local midnight; null without a turn that day. */
export function costOfToday(stats: Stats, now: Date): string | null {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const buckets = stats.buckets.filter(({ at }) => Date.parse(at) + stats.bucket_seconds * 1000 > midnight.getTime());
  const sum = (of: 'turns' | 'cost_usd') => buckets.reduce((total, bucket) => total + bucket[of], 0);
  const turns = sum('turns');
  if (turns === 0) return null;
  // Of models without a price only the number in 24 hours is known.
  return costText({ turns, cost_usd: sum('cost_usd'), unpriced_turns: totalsOf(stats).unpriced_turns });
}

/** In the top bar: what the turns of today cost. */
export function CostFigure() {
  const stats = useStatistics('24h', null).stats.value;
  const cost = stats === null ? null : costOfToday(stats, new Date());
  return cost === null ? null : (
    <Link to="/stats" class="figure" hint="What the turns of today cost">
      {cost === 'unknown' ? 'cost unknown' : cost} today
    </Link>
  );
}
