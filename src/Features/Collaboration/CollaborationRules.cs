using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>The rules for the fields of threads and handoffs, the same at all doors.</summary>
internal static class CollaborationRules
{
    private const int DataBytes = 4096;
    private const int TypeLength = 50;
    private const int SubjectLength = 200;

    // Doubles count once in the thread.
    private const int MostNames = 2 * Threads.MostParticipants;

    /// <summary>The kind of a thread or a post: free text on one line. Null passes.</summary>
    public static void MustBeType<T>(this IRuleBuilder<T, string?> rule, string field) =>
        rule.Must(type => type is null || (type.Length is > 0 and <= TypeLength && IsLine(type)))
            .WithMessage($"'{field}' must have 1 to {TypeLength} characters on one line, such as discussion");

    /// <summary>The subject of a thread. Null passes.</summary>
    public static void MustBeSubject<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(text => text is null || (text.Trim().Length > 0 && text.Length <= SubjectLength && IsLine(text)))
            .WithMessage(
                $"'subject' must have 1 to {SubjectLength} characters on one line; say more in the first post"
            );

    /// <summary>JSON that is kept with a thread, a post or a handoff. Null passes.</summary>
    public static void MustBeData<T>(this IRuleBuilder<T, JsonObject?> rule, string field) =>
        rule.Custom(
            (json, context) =>
            {
                if (json is null)
                    return;
                if (Text(json) is not { } text)
                    context.AddFailure($"'{field}' has an unpaired surrogate; send valid UTF-8");
                else if (Encoding.UTF8.GetByteCount(text) is var bytes and > DataBytes)
                    context.AddFailure(
                        new FluentValidation.Results.ValidationFailure(
                            field,
                            $"'{field}' has {bytes} bytes of JSON; the limit is {DataBytes}; put it into a file under "
                                + "/shared and name its path"
                        )
                        {
                            ErrorCode = nameof(ErrorCode.TooLarge),
                        }
                    );
            }
        );

    /// <summary>The names of those who are to be in a thread; whether they exist is checked later.</summary>
    public static void MustBeParticipants<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule, IAgentNames names) =>
        rule.Must(list => list is null || list.Count <= MostNames)
            .WithMessage($"'participants' has more than {MostNames} names; leave some out")
            .Must(list =>
                list is null
                || list.All(name => name == Principals.Operator || (name is not null && names.IsWellFormed(name)))
            )
            .WithMessage($"'participants' are names of agents, or operator; {AgentNameRules.Form}");

    /// <summary>The name of somebody who can be in a thread. Null passes.</summary>
    public static void MustBeMember<T>(this IRuleBuilder<T, string?> rule, IAgentNames names, string field) =>
        rule.Must(name => name is null or Principals.Operator || names.IsWellFormed(name))
            .WithMessage($"'{field}' is not a valid agent name; {AgentNameRules.Form}");

    /// <summary>A positive id. Null passes.</summary>
    public static void MustBeIdIn<T>(this IRuleBuilder<T, long?> rule, string field) =>
        rule.Must(id => id is null or > 0).WithMessage($"'{field}' must be a positive id");

    /// <summary>A state of threads. Null passes.</summary>
    public static void MustBeStatus<T>(this IRuleBuilder<T, string?> rule, IReadOnlyList<string> states) =>
        rule.Must(status => status is null || states.Contains(status))
            .WithMessage($"'status' can be {string.Join(", ", states)}");

    // Null for JSON with half of a surrogate pair, which nobody can read.
    private static string? Text(JsonObject json)
    {
        try
        {
            return json.ToJsonString(WireJson.Options);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static bool IsLine(string text) => TextRules.Fault(text) is null && !text.Any(char.IsControl);
}
