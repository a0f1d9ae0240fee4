using Hive.Common.Doors;

namespace Hive.Features.Questions;

/// <summary>The doors of the questions.</summary>
internal sealed class QuestionsModule : FeatureModule
{
    public QuestionsModule()
    {
        Tool<Ask.Command>(
            "ask",
            "Ask the operator or another agent. It is stored before this returns, and you need not wait: the answer comes as a message, 'question_answered' with this id."
        );
        Tool<AnswerQuestion.Command>(
            "answer",
            "Answer a question that was put to you by a message 'question_asked'. The first answer counts."
        );
        Host<ListQuestions.Query>("questions");
        Host<AnswerQuestion.Command>("answer");
        Post<AnswerQuestion.Command>("/answer-question/{id}");
        Post<CancelQuestion.Command>("/cancel-question/{id}");
    }
}
