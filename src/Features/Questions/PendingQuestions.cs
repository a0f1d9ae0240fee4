using Hive.Common.Activities;

namespace Hive.Features.Questions;

/// <summary>Keeps in memory whose answers each asker waits for.</summary>
internal sealed class PendingQuestions : OpenWaits
{
    /// <summary>The wait for the answer of a question.</summary>
    public static OpenWait Wait(string? target, DateTimeOffset askedAt, DateTimeOffset? deadlineAt) =>
        new(target ?? Operator, askedAt, deadlineAt);
}
