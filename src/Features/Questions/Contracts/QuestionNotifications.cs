using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Questions.Contracts;

/// <summary>Raised when a question was asked.</summary>
internal sealed record QuestionAdded(QuestionView Question) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("question_added", "question", Question);
}

/// <summary>Raised when a question got its one answer, from an agent, the operator or the host.</summary>
internal sealed record QuestionResolved(QuestionView Question) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("question_resolved", "question", Question);
}
