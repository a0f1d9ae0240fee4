using System.Globalization;
using System.Text;
using System.Text.Json;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Reads tickets from YAML.</summary>
internal static class TicketYaml
{
    /// <summary>The longest text, in bytes.</summary>
    public const int MaxBytes = Protocol.Limits.YamlBytes;

    /// <summary>The most tickets.</summary>
    public const int Most = 100;

    private const int MaxTimeout = 7 * 24 * 60 * 60;

    // More entries than the rules allow, so that a rule speaks.
    private static readonly YamlLimits Limits = new(MaxBytes, MaxText: TicketRules.DescriptionBytes, MaxEntries: 1000);

    private static readonly string[] TicketKeys =
    [
        "ref",
        "title",
        "description",
        "workflow",
        "phase_id",
        "priority",
        "labels",
        "repository",
        "deadline_at",
        "blocked_by",
        "parent",
        "tasks",
    ];

    private static readonly string[] TaskKeys =
    [
        "ref",
        "task_type",
        "title",
        "description",
        "phase_id",
        "priority",
        "capabilities",
        "depends_on",
        "quorum",
        "agent",
        "timeout_seconds",
        "review",
        "locks",
    ];

    private static readonly string[] NeededTaskKeys = ["task_type", "title"];

    /// <summary>A ticket of a file.</summary>
    /// <param name="Ref">Its name in the file.</param>
    /// <param name="At">Where it begins.</param>
    /// <param name="BlockedBy">Refs of the file, and ids, with their places.</param>
    /// <param name="Ticket">Its fields; its links are made of <paramref name="BlockedBy"/>.</param>
    internal sealed record Entry(
        string? Ref,
        YamlMark At,
        IReadOnlyList<(string Text, YamlMark At)> BlockedBy,
        NewTicket Ticket
    );

    /// <summary>Reads the tickets of a text, in an order in which those that others wait for come first.</summary>
    /// <returns>The tickets, and their places in the text.</returns>
    public static IReadOnlyList<(int Place, Entry Entry)> Read(string text) =>
        StrictYaml
            .ReadAll(
                Encoding.UTF8.GetBytes(text),
                Limits,
                ["tickets"],
                (root, faults) => Ordered(Entries(root, faults), faults)
            )
            .Value;

    private static List<Entry> Entries(YamlSection root, YamlFaults faults)
    {
        var sections = faults.Try(() => root.Sections("tickets", TicketKeys)) ?? [];
        if (sections.Count == 0)
            faults.Add(root.Mark("tickets"), "there is not one ticket; give 'tickets' at least one with a 'title'");
        if (sections.Count > Most)
            faults.Add(root.Mark("tickets"), Text($"'tickets' has {sections.Count} entries; the limit is {Most}"));
        List<Entry> entries = [.. sections.Select(section => ReadEntry(section, faults))];
        Dictionary<string, YamlMark> refs = [];
        foreach (var entry in entries.Where(e => e.Ref is not null))
        {
            if (!refs.TryAdd(entry.Ref!, entry.At))
                faults.Add(
                    entry.At,
                    Text($"the ref '{entry.Ref}' is given twice; the other is on line {refs[entry.Ref!].Line}")
                );
        }

        foreach (var (name, at) in entries.SelectMany(e => e.BlockedBy))
        {
            if (IdOf(name) is not null || refs.ContainsKey(name))
                continue;
            var near = NearNames.Of(name, refs.Keys);
            faults.Add(
                at,
                $"'{YamlSection.Shown(name)}' is neither a ref of this file nor the id of a ticket"
                    + (near.Length > 0 ? $"; did you mean {string.Join(" or ", near)}?" : "")
            );
        }

        return entries;
    }

    /// <summary>The id that a text means; null when it is a ref.</summary>
    public static long? IdOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0 ? id : null;

    private static Entry ReadEntry(YamlSection section, YamlFaults faults)
    {
        if (!section.Keys.Contains("title"))
            faults.Add(section.Begin, "'title' is missing");
        var name = Checked(section, "ref", faults, RefFault);
        return new Entry(
            name,
            section.Begin,
            faults.Try(() => section.Words("blocked_by")) ?? [],
            new NewTicket(
                Title: Checked(section, "title", faults, TicketRules.TitleFault) ?? "",
                Description: Checked(section, "description", faults, DescriptionFault),
                DescriptionRefs: [],
                Workflow: Checked(section, "workflow", faults),
                PhaseId: Checked(section, "phase_id", faults),
                Priority: Checked(section, "priority", faults, TicketRules.PriorityFault),
                Labels: Labels(section, faults),
                Repository: Checked(section, "repository", faults, TicketRules.RepositoryFault),
                DeadlineAt: Instant(section, faults),
                BlockedBy: [],
                Parent: faults.Try(() => section.Number("parent", 1, int.MaxValue, "the id of a ticket")),
                Tasks: Tasks(section, faults)
            )
        );
    }

    private static IReadOnlyList<string>? Labels(YamlSection section, YamlFaults faults)
    {
        var labels = faults.Try(() => section.Texts("labels"));
        if (labels?.Count > TicketRules.Labels)
            faults.Add(
                section.Mark("labels"),
                Text($"'labels' has {labels.Count} entries; the limit is {TicketRules.Labels}")
            );
        foreach (var (label, at) in labels ?? [])
        {
            if (TicketRules.LabelFault(label) is { } fault)
                faults.Add(at, $"this label {fault}");
        }

        return labels is null ? null : [.. labels.Select(l => l.Text)];
    }

    private static List<TaskSpec> Tasks(YamlSection section, YamlFaults faults)
    {
        var tasks = faults.Try(() => section.Sections("tasks", TaskKeys)) ?? [];
        if (tasks.Count > TicketRules.Tasks)
            faults.Add(
                section.Mark("tasks"),
                Text($"'tasks' has {tasks.Count} entries; the limit is {TicketRules.Tasks}")
            );
        return [.. tasks.Select(task => Task(task, faults))];
    }

    private static TaskSpec Task(YamlSection task, YamlFaults faults)
    {
        foreach (var key in NeededTaskKeys.Where(key => !task.Keys.Contains(key)))
            faults.Add(task.Begin, $"'{key}' is missing");
        return new TaskSpec(
            TaskType: Checked(task, "task_type", faults) ?? "",
            Title: Checked(task, "title", faults, TicketRules.TitleFault) ?? "",
            Ref: Checked(task, "ref", faults, RefFault),
            Description: Checked(task, "description", faults),
            PhaseId: Checked(task, "phase_id", faults),
            Priority: Checked(task, "priority", faults, TicketRules.PriorityFault),
            Capabilities: Words(task, "capabilities", faults),
            DependsOn: faults.Try(() => task.Words("depends_on"))?.Select(d => Element(d.Text)).ToArray(),
            Quorum: faults.Try(() => task.Scalar("quorum")),
            Agent: Checked(task, "agent", faults),
            TimeoutSeconds: faults.Try(() =>
                task.Number("timeout_seconds", 1, MaxTimeout, "a whole number of seconds")
            ),
            Review: Checked(task, "review", faults),
            Locks: Words(task, "locks", faults)
        );
    }

    private static string[]? Words(YamlSection section, string key, YamlFaults faults) =>
        faults.Try(() => section.Texts(key))?.Select(t => t.Text).ToArray();

    private static JsonElement Element(string text) =>
        IdOf(text) is { } id ? JsonSerializer.SerializeToElement(id) : JsonSerializer.SerializeToElement(text);

    private static DateTimeOffset? Instant(YamlSection section, YamlFaults faults) =>
        faults.Try<DateTimeOffset?>(() =>
        {
            if (section.Scalar("deadline_at") is not { } text)
                return null;
            try
            {
                return JsonSerializer.SerializeToElement(text).Deserialize<DateTimeOffset>(WireJson.Options);
            }
            catch (JsonException)
            {
                throw section.Fault("deadline_at", "'deadline_at' is not an instant; write it as 2026-01-31T12:00:00Z");
            }
        });

    private static string? Checked(
        YamlSection section,
        string key,
        YamlFaults faults,
        Func<string, string?>? fault = null
    ) =>
        faults.Try(() =>
            section.Text(key) is { } text && fault?.Invoke(text) is { } wrong
                ? throw section.Fault(key, wrong)
                : section.Text(key)
        );

    private static string? RefFault(string name) =>
        name.Length > 100 ? Text($"'ref' has {name.Length} characters; the limit is 100")
        : IdOf(name) is not null ? "'ref' must not be a number, which is the id of a ticket"
        : null;

    private static string? DescriptionFault(string text) =>
        Encoding.UTF8.GetByteCount(text) is var bytes and > TicketRules.DescriptionBytes
            ? Text($"'description' has {bytes} bytes; the limit is {TicketRules.DescriptionBytes}")
            : null;

    // Those that others wait for come first; otherwise in the order of the file.
    private static List<(int, Entry)> Ordered(List<Entry> entries, YamlFaults faults)
    {
        List<(int, Entry)> ordered = [];
        var names = entries.Where(e => e.Ref is not null).Select(e => e.Ref!).ToHashSet();
        HashSet<string> made = [];
        var left = entries.Select((entry, place) => (Place: place, Entry: entry)).ToList();
        while (left.Count > 0)
        {
            var next = left.FindIndex(l =>
                l.Entry.BlockedBy.All(b => !names.Contains(b.Text) || made.Contains(b.Text))
            );
            if (next < 0)
            {
                faults.Add(
                    left[0].Entry.BlockedBy[0].At,
                    "tickets wait for each other in a circle: "
                        + string.Join(", ", left.Select(l => l.Entry.Ref).OfType<string>())
                );
                break;
            }

            if (left[next].Entry.Ref is { } name)
                made.Add(name);
            ordered.Add(left[next]);
            left.RemoveAt(next);
        }

        return ordered;
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
