import { Main } from '../../ui/main';
import { ForgeSection } from '../forge';
import { LooseEndsSection } from '../loose';
import { MetaSection } from '../meta';
import { TombstonesSection } from '../tombstones';

export function SystemPage() {
  return (
    <Main feature="system" title="SYST3M">
      <TombstonesSection />
      <MetaSection />
      <ForgeSection />
      <LooseEndsSection />
    </Main>
  );
}
