using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>The rules of a body and a key, the same for whatever goes over the bus and whoever sends it.</summary>
internal static class BodyRules
{
    /// <summary>A text that says something and keeps within the cap.</summary>
    public static void MustBeBody<T>(this IRuleBuilderInitial<T, string> rule, Func<T, string> wayOut) =>
        rule.Cascade(CascadeMode.Stop)
            .Custom(
                (text, context) =>
                {
                    if (string.IsNullOrWhiteSpace(text))
                        context.AddFailure($"'{context.PropertyPath.ToLowerInvariant()}' is empty; say something");
                }
            )
            .MustBeText(Limits.BodyBytes, wayOut);

    /// <summary>A key as <see cref="Common.Storage.IdempotencyKeys"/> takes it.</summary>
    public static void MustBeKey<T>(this IRuleBuilder<T, string?> rule) =>
        rule.MustBeText(Common.Storage.IdempotencyKeys.MaxLength);

    /// <summary>The way out for an agent whose text is too long: a folder that its reader sees, too.</summary>
    public static string WayOut(Caller caller, IRoster roster, AgentFolders folders) =>
        roster.Find(caller.Name) is { } agent
            ? $"write it to a file under {folders.SharedAsSeenBy(agent)}/, which all can read, and send its path"
            : "put it in a file and send its path";

    /// <summary>The same for a message, which can take a file of the sender's own along.</summary>
    public static string WayOutOfMessage(Caller caller, IRoster roster, AgentFolders folders) =>
        roster.Find(caller.Name) is { } agent
            ? $"write it to a file under {folders.StateAsSeenBy(agent)}/ and send that with 'file_path'"
            : "put it in a file and send its path";
}
