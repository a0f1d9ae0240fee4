import { endSession } from '../../api/client';
import { ActionButton } from '../../ui/action-button';
import { query } from '../../ui/address';
import { live } from '../../ui/live';
import { Main } from '../../ui/main';
import { ForgeSection } from '../forge';
import { LocksSection } from '../locks';
import { MetaSection } from '../meta';
import { Prices } from '../stats';
import { TombstonesSection } from '../tombstones';
import { Findings } from './findings';

/** The host itself: what it finds, the forge, kept state, inputs, prices, versions. */
export function SystemPage() {
  const { host, hiveVersion } = live.picture;
  return (
    <Main
      feature="system"
      title="SYST3M"
      aside={
        <>
          <span class="dim">
            Hive {hiveVersion.value} on <bdi>{host.value}</bdi>
          </span>
          {/* Never fails here: the login page shows the host's answer. */}
          <ActionButton action={{ id: 'sign-out', label: 'S1GN 0UT', of: 'of this Hive', run: endSession }} />
        </>
      }
    >
      <Findings />
      <LocksSection />
      <ForgeSection />
      <TombstonesSection />
      <MetaSection />
      <Prices asked={query.value.get('price')} />
    </Main>
  );
}
