using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>The rules of a body and a key, the same for all senders and all kinds of messages.</summary>
internal static class BodyRules
{
    /// <summary>A text that is not blank and within the limit.</summary>
    public static void MustBeBody<T>(this IRuleBuilderInitial<T, string> rule, Func<T, string> wayOut) =>
        rule.Cascade(CascadeMode.Stop)
            .Custom(
                (text, context) =>
                {
                    if (string.IsNullOrWhiteSpace(text))
                        context.AddFailure($"'{context.PropertyPath.ToLowerInvariant()}' is empty; write a text");
                }
            )
            .MustBeText(Limits.BodyBytes, wayOut);

    /// <summary>A key within the limit of <see cref="Common.Storage.IdempotencyKeys"/>.</summary>
    public static void MustBeKey<T>(this IRuleBuilder<T, string?> rule) =>
        rule.MustBeText(Common.Storage.IdempotencyKeys.MaxLength);

    /// <summary>The way out for an agent whose text is too long: a folder that its reader can see.</summary>
    public static string WayOut(Caller caller, IRoster roster, AgentFolders folders) =>
        roster.Find(caller.Name) is { } agent
            ? $"write it to a file under {folders.SharedAsSeenBy(agent)}/, which all agents can read, and send its path"
            : "put it in a file and send its path";

    /// <summary>The same for a message, to which the sender can attach a file.</summary>
    public static string WayOutOfMessage(Caller caller, IRoster roster, AgentFolders folders) =>
        roster.Find(caller.Name) is { } agent
            ? $"write it to a file under {folders.StateAsSeenBy(agent)}/ and send that with 'file_path'"
            : "put it in a file and send its path";
}
