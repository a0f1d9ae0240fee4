import type { DashboardEvent, EventKind } from '../api/events';
import type { News } from '../stream/live';
import type { Feature, NewsOf } from '../ui/feature';

/** The notification for an event, of the first feature that has one. */
export function newsIn<Kind extends EventKind>(
  features: readonly Pick<Feature, 'news'>[],
  event: DashboardEvent<Kind>,
): News | null {
  for (const { news } of features) {
    const said = newsOf(news, event);
    if (said !== null) return said;
  }
  return null;
}

function newsOf<Kind extends EventKind>(news: NewsOf | undefined, event: DashboardEvent<Kind>): News | null {
  const say = news?.[event.kind as Kind] as ((event: DashboardEvent<Kind>) => News | null) | undefined;
  return say?.(event) ?? null;
}
