using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>The rules of a message's body and key, the same for whoever sends.</summary>
internal static class BodyRules
{
    public static void MustBeBody<T>(this IRuleBuilderInitial<T, string> rule, Func<T, string> wayOut) =>
        rule.Cascade(CascadeMode.Stop)
            .NotEmpty().WithMessage("'body' is empty; say something")
            .MustBeText(Limits.BodyBytes, wayOut);

    public static void MustBeKey<T>(this IRuleBuilder<T, string?> rule) => rule.MustBeText(Common.Persistence.IdempotencyKeys.MaxLength);

    /// <summary>The way out for an agent whose text is too long, naming its state folder as it can open it.</summary>
    public static string WayOut(Caller caller, IRoster roster, AgentFolders folders) =>
        roster.Find(caller.Name) is { } agent
            ? $"write it to a file under {folders.StateAsSeenBy(agent)}/ and send its path"
            : "put it in a file and send its path";
}
