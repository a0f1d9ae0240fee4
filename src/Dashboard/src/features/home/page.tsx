import { Main } from '../../ui/main';
import { ContainersSection } from '../containers';
import { QuestionsSection } from '../questions';

export function HomePage() {
  return (
    <Main feature="home" title="H0M3">
      <QuestionsSection />
      <ContainersSection />
    </Main>
  );
}
