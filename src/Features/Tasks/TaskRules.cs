using System.Globalization;
using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>The rules for what a caller says of tasks.</summary>
internal static class TaskRules
{
    public const int TitleLength = 500;
    public const int TypeLength = 100;
    public const int DescriptionBytes = 16 * 1024;
    public const int ReasonBytes = 2000;
    public const int SummaryBytes = 4096;
    public const int ProgressBytes = 500;

    /// <summary>The most artifacts of one task.</summary>
    public const int MostArtifacts = 20;

    /// <summary>The most entries of a list that describes a result.</summary>
    public const int MostEntries = 50;

    private const int EntryBytes = 1000;

    /// <summary>The longest run, in seconds: a week.</summary>
    public const long MostSeconds = PatternStep.MostSeconds;

    /// <summary>Tasks to be made.</summary>
    public static void MustBeTasks<T>(this IRuleBuilder<T, IReadOnlyList<TaskSpec>> rule) =>
        rule.Custom(
            (tasks, context) =>
            {
                if (tasks is not { Count: > 0 })
                    context.AddFailure("'tasks' is empty; name at least one");
                else if (tasks.Count > TaskMaking.MostAtOnce)
                    context.AddFailure(
                        $"'tasks' has {tasks.Count} entries; the limit is {TaskMaking.MostAtOnce}; make them in parts"
                    );
                else
                {
                    foreach (var (task, index) in tasks.Select((t, i) => (t, i)))
                    {
                        if (Fault(task) is { } fault)
                            context.AddFailure($"tasks[{index}]: {fault}");
                    }
                }
            }
        );

    /// <summary>Says what is wrong with a task to be made; null when nothing is.</summary>
    public static string? Fault(TaskSpec? task) =>
        task is null
            ? "is null; write an object"
            : TextFault("task_type", task.TaskType, TypeLength)
                ?? TextFault("title", task.Title, TitleLength)
                ?? (task.Ref is null ? null : TextFault("ref", task.Ref, TypeLength))
                ?? (
                    task.Description is not { } text ? null
                    : TextRules.Fault(text) is { } fault ? $"'description' contains {fault}; send valid UTF-8 text"
                    : Encoding.UTF8.GetByteCount(text) > DescriptionBytes
                        ? $"'description' is longer than {DescriptionBytes} bytes; put it in a file and name its path"
                    : null
                )
                ?? (task.Priority is null ? null : PriorityFault(task.Priority))
                ?? CapabilitiesFault(task.Capabilities)
                ?? (task.TimeoutSeconds is { } seconds ? TimeoutFault(seconds) : null)
                ?? (task.Quorum is { } quorum ? QuorumFault(quorum) : null)
                ?? (task.Review is null or "validator" ? null : "'review' can be 'validator'")
                ?? LocksFault(task.Locks)
                ?? DependenciesFault(task.DependsOn);

    private static string? DependenciesFault(IReadOnlyList<JsonElement>? dependencies) =>
        (dependencies ?? [])
            .Select((on, i) => IsReadable(on) ? null : $"'depends_on[{i}]' has an unpaired surrogate; send valid UTF-8")
            .FirstOrDefault(fault => fault is not null);

    /// <summary>False for JSON with half of a surrogate pair, which nobody can read.</summary>
    public static bool IsReadable(JsonElement value)
    {
        try
        {
            return JsonSerializer.Serialize(value, WireJson.Options).Length > 0;
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException)
        {
            return false;
        }
    }

    /// <summary>Says what is wrong with a priority.</summary>
    public static string? PriorityFault(string word) =>
        Priorities.Words.Contains(word) ? null : $"'priority' can be {string.Join(", ", Priorities.Words)}";

    /// <summary>Says what is wrong with the time of a run.</summary>
    public static string? TimeoutFault(long seconds) =>
        seconds is >= 1 and <= MostSeconds ? null : $"'timeout_seconds' must be from 1 to {MostSeconds} (a week)";

    /// <summary>The kind of an artifact, and its fields.</summary>
    public static string? Fault(HandedIn? artifact)
    {
        if (artifact is null)
            return "is null; write an object";
        var given =
            (artifact.Path is null ? 0 : 1) + (artifact.Commit is null ? 0 : 1) + (artifact.Content is null ? 0 : 1);
        return TextFault("type", artifact.Type, TypeLength)
            ?? (given == 1 ? null : "an artifact has 'path', or 'commit' with 'repository', or 'content'")
            ?? (
                artifact.Commit is not null && artifact.Repository is null
                    ? "an artifact with 'commit' needs 'repository'"
                    : null
            );
    }

    /// <summary>Lists of what a result says.</summary>
    public static void MustBeEntries<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule, string field) =>
        rule.Custom(
            (entries, context) =>
            {
                if (entries is null)
                    return;
                if (entries.Count > MostEntries)
                    context.AddFailure($"'{field}' has {entries.Count} entries; the limit is {MostEntries}");
                else if (
                    entries
                        .Select((entry, i) => EntryFault($"{field}[{i}]", entry))
                        .FirstOrDefault(f => f is not null) is
                    { } fault
                )
                    context.AddFailure(fault);
            }
        );

    private static string? EntryFault(string name, string? entry) =>
        entry is null ? $"'{name}' is null; write a text"
        : TextRules.Fault(entry) is { } fault ? $"'{name}' contains {fault}; send valid UTF-8 text"
        : Encoding.UTF8.GetByteCount(entry) > EntryBytes ? $"'{name}' is longer than {EntryBytes} bytes; shorten it"
        : null;

    /// <summary>Artifacts of one call.</summary>
    public static void MustBeArtifacts<T>(this IRuleBuilder<T, IReadOnlyList<HandedIn>?> rule) =>
        rule.Custom(
            (artifacts, context) =>
            {
                if (artifacts is null)
                    return;
                if (artifacts.Count > MostArtifacts)
                    context.AddFailure(
                        $"'artifacts' has {artifacts.Count} entries; the limit is {MostArtifacts} per task"
                    );
                foreach (var (artifact, index) in artifacts.Select((a, i) => (a, i)))
                {
                    if (Fault(artifact) is { } fault)
                        context.AddFailure($"artifacts[{index}]: {fault}");
                }
            }
        );

    private static string? TextFault(string field, string text, int most) =>
        string.IsNullOrWhiteSpace(text) ? $"'{field}' is empty; write a text"
        : text.Length > most ? $"'{field}' has {text.Length} characters; the limit is {most}"
        : text.Any(c => char.IsControl(c) || char.IsSurrogate(c) && !IsPaired(text))
            ? $"'{field}' must be one line of text"
        : null;

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    private static string? CapabilitiesFault(IReadOnlyList<string>? words)
    {
        if (words is null)
            return null;
        if (words.Count > WorkWords.Most)
            return $"'capabilities' has {words.Count} entries; the limit is {WorkWords.Most}";
        return words
            .Select(
                (word, i) =>
                    word is null ? $"'capabilities[{i}]' is null; write a word"
                    : WorkWords.Fault(word) is { } fault ? $"the capability '{word}' {fault}"
                    : null
            )
            .FirstOrDefault(fault => fault is not null);
    }

    private static string? LocksFault(IReadOnlyList<string>? locks) =>
        locks is null ? null
        : locks.Count > ResourceName.MostDeclared
            ? $"'locks' has {locks.Count} entries; the limit is {ResourceName.MostDeclared}"
        : locks
            .Select((name, i) => ResourceName.Fault(name) is { } fault ? $"'locks[{i}]' {fault}" : null)
            .FirstOrDefault(fault => fault is not null);

    private static string? QuorumFault(string quorum) =>
        quorum is "all" or "first" or "majority"
        || (
            int.TryParse(quorum, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is >= 1 and <= 100
        )
            ? null
            : "'quorum' can be all, first, majority, or a number from 1 to 100";
}
