using Hive.Common;
using Hive.Common.Activities;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Questions.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Questions;

/// <summary>Questions that agents ask the operator or each other, and their answers.</summary>
internal sealed class QuestionsModule : FeatureModule
{
    public QuestionsModule()
    {
        Uses(nameof(Agents), nameof(StateFiles), nameof(Messages));
        Schema<QuestionsSchema>();
        Event<QuestionView>("question_added", "question");
        Event<QuestionView>("question_resolved", "question");
        Section<QuestionsSection>();
        Section<QuestionHistorySection>();
        LooseEnds<QuestionLooseEnds>();
        Waiting<WaitingQuestions>();
        Waiting<WaitingExpired>();
        Tool<Ask.Command>(
            "ask",
            "Ask the operator or another agent a question. It is stored before this returns, and you need not wait: "
                + "you receive the answer as a 'question_answered' message with this id."
        );
        Tool<AnswerQuestion.Command>(
            "answer",
            "Answer a question that you received as a 'question_asked' message. The first answer counts."
        );
        Host<ListQuestions.Query>("questions");
        Host<AnswerQuestion.Command>("answer");
        Host<CancelQuestion.Command>("cancel_question");
        Post<AnswerQuestion.Command>("/api/questions/{id}/answer", alias: "/answer-question/{id}");
        Post<CancelQuestion.Command>("/api/questions/{id}/cancel", alias: "/cancel-question/{id}");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton(p => new Deadlines<long>(p.GetRequiredService<TimeProvider>(), byWallClock: true))
            .AddSingletonAs<PendingQuestions, IActivitySource>()
            .AddSingleton<Resolution>()
            .AddSingleton<HostAnswers>()
            .AddHostedService<ExpireQuestions>()
            .AddSingletonAs<OnAgentDestroyed, ICommitObserver, IAgentDataCleanup>();
}
