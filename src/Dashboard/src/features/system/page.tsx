import { endSession } from '../../api/client';
import { Act } from '../../ui/act';
import { query } from '../../ui/address';
import { live } from '../../ui/live';
import { Main } from '../../ui/main';
import { ForgeSection } from '../forge';
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
          <Act label="S1GN 0UT" plain="Sign out" run={endSession} onError={() => {}} />
        </>
      }
    >
      <Findings />
      <ForgeSection />
      <TombstonesSection />
      <MetaSection />
      <Prices asked={query.value.get('price')} />
    </Main>
  );
}
