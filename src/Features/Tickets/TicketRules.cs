using System.Text.RegularExpressions;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>The rules of a ticket's fields, the same at all doors and in files.</summary>
internal static partial class TicketRules
{
    /// <summary>The longest title, in characters.</summary>
    public const int TitleLength = 500;

    /// <summary>The longest description, in bytes.</summary>
    public const int DescriptionBytes = 16 << 10;

    /// <summary>The longest reason, feedback or comment, in bytes.</summary>
    public const int ReasonBytes = 4096;

    /// <summary>The most labels.</summary>
    public const int Labels = 20;

    /// <summary>The longest label, in characters.</summary>
    public const int LabelLength = 50;

    /// <summary>The longest repository, in characters.</summary>
    public const int RepositoryLength = 300;

    /// <summary>The most tasks that are made with a ticket.</summary>
    public const int Tasks = 200;

    // A character has at most four bytes in UTF-8.
    private const int BytesPerCharacter = 4;

    /// <summary>Says what is wrong with a title; null when nothing is.</summary>
    public static string? TitleFault(string title) =>
        string.IsNullOrWhiteSpace(title) ? "'title' is blank; say in a few words what is to be done"
        : title.Length > TitleLength
            ? $"'title' has {title.Length} characters; the limit is {TitleLength}; put the rest into 'description'"
        : title.Any(char.IsControl) ? "'title' contains control characters; use one line of text"
        : null;

    /// <summary>Says what is wrong with a priority; null when nothing is.</summary>
    public static string? PriorityFault(string priority) =>
        Priorities.Words.Contains(priority) ? null : $"'priority' can be {string.Join(", ", Priorities.Words)}";

    /// <summary>Says what is wrong with a label; null when nothing is.</summary>
    public static string? LabelFault(string label) =>
        string.IsNullOrWhiteSpace(label) ? "is blank"
        : label.Length > LabelLength ? $"has {label.Length} characters; the limit is {LabelLength}"
        : label.Any(char.IsControl) ? "contains control characters"
        : null;

    /// <summary>Says what is wrong with a repository; null when nothing is.</summary>
    public static string? RepositoryFault(string repository) =>
        repository.Length <= RepositoryLength && RepositoryForm().IsMatch(repository)
            ? null
            : "'repository' must be forge:<owner>/<name>, or a folder of an agent such as /agents/alice/state/shop, "
                + $"at most {RepositoryLength} characters";

    /// <summary>Labels without blanks around them and without doubles.</summary>
    public static IReadOnlyList<string> Normalise(IReadOnlyList<string>? labels) =>
        labels is null ? [] : [.. labels.Select(l => l.Trim()).Distinct()];

    /// <summary>A title, unless it is null.</summary>
    public static void MustBeTitle<T>(this IRuleBuilderInitial<T, string?> rule) =>
        rule.Cascade(CascadeMode.Stop).MustHaveNoFault(TitleFault).MustBeText(TitleLength * BytesPerCharacter);

    /// <summary>A priority, unless it is null.</summary>
    public static void MustBePriority<T>(this IRuleBuilderInitial<T, string?> rule) =>
        rule.MustHaveNoFault(PriorityFault);

    /// <summary>A repository, unless it is null.</summary>
    public static void MustBeRepository<T>(this IRuleBuilderInitial<T, string?> rule) =>
        rule.Cascade(CascadeMode.Stop)
            .MustHaveNoFault(RepositoryFault)
            .MustBeText(RepositoryLength * BytesPerCharacter);

    /// <summary>Labels, unless they are null.</summary>
    public static void MustBeLabels<T>(this IRuleBuilderInitial<T, IReadOnlyList<string>?> rule) =>
        rule.Custom(
            (labels, context) =>
            {
                if (labels is null)
                    return;
                if (labels.Count > Labels)
                    context.AddFailure($"'labels' has {labels.Count} entries; the limit is {Labels}; leave some out");
                foreach (var label in labels)
                {
                    if (LabelFault(label) is { } fault)
                        context.AddFailure($"one of the 'labels' {fault}");
                }
            }
        );

    /// <summary>A reason that is not blank, unless it is null.</summary>
    public static void MustBeReason<T>(this IRuleBuilderInitial<T, string?> rule, string name) =>
        rule.Cascade(CascadeMode.Stop)
            .Must(reason => reason is null || !string.IsNullOrWhiteSpace(reason))
            .WithMessage($"'{name}' is blank; say it in a few words")
            .MustBeText(ReasonBytes);

    /// <summary>The type of a block, unless it is null.</summary>
    public static void MustBeBlockType<T>(this IRuleBuilderInitial<T, string?> rule) =>
        rule.MustHaveNoFault(type =>
            BlockTypes.All.Contains(type) ? null : $"'type' of a block can be {string.Join(", ", BlockTypes.All)}"
        );

    private static IRuleBuilderOptionsConditions<T, string?> MustHaveNoFault<T>(
        this IRuleBuilder<T, string?> rule,
        Func<string, string?> fault
    ) =>
        rule.Custom(
            (text, context) =>
            {
                if (text is not null && fault(text) is { } wrong)
                    context.AddFailure(wrong);
            }
        );

    [GeneratedRegex(@"\A(forge:[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*|/[^\p{C}]+)\z")]
    private static partial Regex RepositoryForm();
}
