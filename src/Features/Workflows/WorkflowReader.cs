using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Reads a workflow's YAML, Hive's own keys and upstream's, and checks it as a whole.</summary>
internal sealed partial class WorkflowReader
{
    /// <summary>The longest text, in bytes.</summary>
    public const int MaxBytes = Protocol.Limits.YamlBytes;

    /// <summary>The longest name, in characters.</summary>
    public const int MaxName = 100;

    /// <summary>The most phases, and the most columns.</summary>
    public const int MaxPhases = 40;

    /// <summary>The most templates of a workflow.</summary>
    public const int MaxAllTasks = 200;

    /// <summary>How large a definition and its parts may be. More entries than any rule allows, so that the rule
    /// speaks.</summary>
    public static readonly YamlLimits Limits = new(MaxBytes, MaxText: 16 << 10, MaxEntries: 1000, MaxDepth: 10);

    private static readonly string[] RootKeys =
    [
        "name",
        "title",
        "has_result",
        "result_criteria",
        "on_result_found",
        "phases",
        "board_columns",
    ];

    private static readonly string[] PhaseKeys =
    [
        "id",
        "name",
        "description",
        "sequence_order",
        "status",
        "allowed_transitions",
        "next",
        "terminal",
        "is_terminal",
        "max_active",
        "done_definitions",
        "expected_outputs",
        "phase_prompt",
        "next_steps_guide",
        "configuration",
        "tasks",
        "gate",
    ];

    private static readonly string[] ColumnKeys =
    [
        "id",
        "name",
        "description",
        "sequence_order",
        "phase_mapping",
        "wip_limit",
        "auto_transition_to",
        "pull",
        "color_theme",
        "terminal",
        "is_terminal",
    ];

    private readonly YamlFaults faults;
    private readonly WorkflowMarks marks = new();
    private readonly TemplateReader templates;
    private readonly GateReader gates;

    private WorkflowReader(YamlFaults faults)
    {
        this.faults = faults;
        templates = new TemplateReader(faults, marks);
        gates = new GateReader(faults, marks);
    }

    /// <summary>Reads and checks a workflow.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="usual">The workflow whose phases stand in for those that a file of upstream's refers to and does
    /// not define; null when it is the one that is read.</param>
    /// <exception cref="Problem">Code <c>too_large</c> or <c>invalid</c>, with every fault.</exception>
    public static (Workflow Workflow, IReadOnlyList<YamlWarning> Warnings) Read(string text, Workflow? usual)
    {
        var read = StrictYaml.ReadAll(
            Encoding.UTF8.GetBytes(text),
            Limits,
            RootKeys,
            (root, faults) => new WorkflowReader(faults).Root(root, usual)
        );
        MustLoadAgain(WorkflowWriter.Own(read.Value));
        return read;
    }

    /// <summary>Refuses a definition whose export is too large to load. Block style takes more bytes than a dense
    /// file.</summary>
    internal static void MustLoadAgain(string exported)
    {
        var bytes = Encoding.UTF8.GetByteCount(exported);
        if (bytes > MaxBytes)
            throw Problem.TooLarge(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"exported, it has {bytes} bytes, and the limit is {MaxBytes}; shorten it"
                )
            );
    }

    /// <summary>The status of a phase that does not say it.</summary>
    public static PhaseStatus UsualStatus(string id, bool isTerminal) =>
        id switch
        {
            Phase.BlockedId => PhaseStatus.Backlog,
            _ when isTerminal => PhaseStatus.Done,
            "PHASE_BACKLOG" => PhaseStatus.Backlog,
            "PHASE_REQUIREMENTS" or "PHASE_DESIGN" => PhaseStatus.Analyzing,
            "PHASE_IMPLEMENTATION" => PhaseStatus.Building,
            "PHASE_TESTING" or "PHASE_DEPLOYMENT" => PhaseStatus.Testing,
            _ => PhaseStatus.Building,
        };

    /// <summary>The columns of a workflow that does not say them: one for each phase.</summary>
    public static IReadOnlyList<BoardColumn> UsualColumns(IReadOnlyList<Phase> phases) =>
        [
            .. phases.Select(p => new BoardColumn(
                Id: p.Id["PHASE_".Length..].ToLowerInvariant(),
                Name: p.Name,
                Description: null,
                PhaseMapping: [p.Id],
                WipLimit: null,
                AutoTransitionTo: null,
                Pull: ColumnPull.Auto,
                ColorTheme: null,
                Terminal: p.Terminal
            )),
        ];

    private Workflow Root(YamlSection root, Workflow? usual)
    {
        var name = faults.Name(root);
        var title = faults.Line(root, "title", 200);
        var hasResult = faults.Try(() => root.Truth("has_result")) ?? true;
        var criteria = faults.Text(root, "result_criteria", 4096);
        var onFound = faults.Word(root, "on_result_found", OnResultFound.StopAll);
        var phaseSections = faults.Try(() => root.Sections("phases", PhaseKeys)) ?? [];
        var columnSections = faults.Try(() => root.Sections("board_columns", ColumnKeys)) ?? [];
        if (phaseSections.Count == 0)
            faults.Add(
                root.Mark("phases"),
                "there is no phase to begin with; 'phases' needs at least a first and a terminal one"
            );
        faults.Counted(root, "phases", phaseSections.Count, MaxPhases);
        faults.Counted(root, "board_columns", columnSections.Count, MaxPhases);
        var isUpstreams = phaseSections.Concat(columnSections).Any(s => s.Keys.Contains("sequence_order"));
        var phases = Ordered(phaseSections, "phase", ReadPhase);
        var columns = Ordered(columnSections, "column", ReadColumn);
        var tasks = phases.Sum(p => p.Tasks.Count);
        if (tasks > MaxAllTasks)
            faults.Add(
                root.Mark("phases"),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the workflow has {tasks} task templates; the limit is {MaxAllTasks}"
                )
            );
        if (isUpstreams && usual is not null)
            phases = WithUsual(phases, usual);
        var workflow = new Workflow(
            Name: name ?? "",
            Title: title,
            HasResult: hasResult,
            ResultCriteria: criteria,
            OnResultFound: onFound,
            Phases: phases,
            BoardColumns: columnSections.Count == 0 ? UsualColumns(phases) : columns
        );
        // A part that could not be read would be reported as missing by every rule that looks for it.
        if (!faults.Any)
            new WorkflowRules(workflow, marks, faults).Check();
        return workflow;
    }

    // Upstream's own files refer to phases that they do not define. Only those come from the default workflow, with the
    // ways between phases of this one.
    private List<Phase> WithUsual(List<Phase> phases, Workflow usual)
    {
        var known = phases.Select(p => p.Id).ToHashSet();
        var wanted = marks
            .Transitions.Select(t => (Id: t.To, t.At))
            .Concat(marks.Mapping.Select(m => (Id: m.Phase, m.At)))
            .Where(w => !known.Contains(w.Id))
            .GroupBy(w => w.Id)
            .ToDictionary(g => g.Key, g => g.First().At);
        Phase[] added = [.. usual.Phases.Where(p => wanted.ContainsKey(p.Id))];
        known.UnionWith(added.Select(p => p.Id));
        var order = usual.Phases.Select((phase, i) => (phase.Id, i)).ToDictionary(p => p.Id, p => p.i);
        List<Phase> all = [.. phases];
        foreach (var phase in added)
        {
            var at = order[phase.Id];
            var before = all.FindIndex(p => order.TryGetValue(p.Id, out var other) && other > at);
            all.Insert(before < 0 ? all.Count : before, Among(known, phase));
            marks.Phases[phase.Id] = wanted[phase.Id];
        }

        return all;
    }

    private static Phase Among(HashSet<string> known, Phase phase) =>
        phase with
        {
            AllowedTransitions = [.. phase.AllowedTransitions.Where(known.Contains)],
            Next = phase.Next is { } next && known.Contains(next) ? next : null,
            Gate =
                phase.Gate is { OnFail: { } back } gate && !known.Contains(back)
                    ? gate with
                    {
                        OnFail = null,
                    }
                    : phase.Gate,
        };

    private List<T> Ordered<T>(IReadOnlyList<YamlSection> sections, string noun, Func<YamlSection, T?> read)
        where T : class
    {
        const string Key = "sequence_order";
        var given = sections.Count(s => s.Keys.Contains(Key));
        List<(int Order, T Value)> all = [];
        Dictionary<int, YamlMark> taken = [];
        for (var i = 0; i < sections.Count; i++)
        {
            var section = sections[i];
            var order = i;
            if (given > 0)
            {
                var number = faults.Try(() => section.Number(Key, 0, 9999, "a whole number"));
                if (!section.Keys.Contains(Key))
                    faults.Add(section.Begin, $"this {noun} has no '{Key}' and others have; give it to all or to none");
                else if (number is { } stated && !taken.TryAdd(stated, section.Mark(Key)))
                    faults.Add(
                        section.Mark(Key),
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"'{Key}' {stated} is given twice; the other is on line {taken[stated].Line}"
                        )
                    );
                order = number ?? i;
            }

            if (read(section) is { } value)
                all.Add((order, value));
        }

        return [.. all.OrderBy(a => a.Order).Select(a => a.Value)];
    }

    private Phase? ReadPhase(YamlSection phase)
    {
        var id = faults.Required(phase, "id", 50);
        if (id is not null && PhaseFault(id) is { } wrong)
        {
            faults.Add(phase.Mark("id"), wrong);
            id = null;
        }

        if (id is not null)
            faults.Once(marks.Phases, id, phase.Mark("id"), "phase");
        var name = faults.Required(phase, "name", 100);
        var terminal = Terminal(phase);
        var transitions = faults.Texts(phase, "allowed_transitions", id, marks.Transitions);
        var next = faults.Line(phase, "next", 50);
        if (id is not null && next is not null)
            marks.Next[id] = phase.Mark("next");
        if (phase.Keys.Contains("configuration"))
            faults.Warn(phase.Mark("configuration"), "'configuration' has no effect and is not kept");
        if (id is not null && phase.Keys.Contains("status"))
            marks.Status[id] = phase.Mark("status");
        var status =
            phase.Keys.Contains("status") || id is null
                ? faults.Word(phase, "status", PhaseStatus.Building)
                : UsualStatus(id, terminal);
        var read = new Phase(
            Id: id ?? "",
            Name: name ?? "",
            Description: faults.Text(phase, "description", 500),
            Status: status,
            AllowedTransitions: transitions,
            Next: next,
            Terminal: terminal,
            MaxActive: faults.Try(() => phase.Number("max_active", 1, 10_000, "a whole number of tasks")),
            DoneDefinitions: faults.Texts(phase, "done_definitions"),
            ExpectedOutputs: templates.Outputs(phase),
            PhasePrompt: faults.Text(phase, "phase_prompt", Limits.MaxText),
            NextStepsGuide: faults.Texts(phase, "next_steps_guide"),
            Tasks: templates.Read(phase, id),
            Gate: gates.Read(phase, id)
        );
        return id is null ? null : read;
    }

    private BoardColumn? ReadColumn(YamlSection column)
    {
        var id = faults.Required(column, "id", 50);
        if (id is not null)
            faults.Once(marks.Columns, id, column.Mark("id"), "column");
        var mapping = faults.Try(() => column.Texts("phase_mapping")) ?? [];
        if (mapping.Count == 0)
            faults.Add(column.Begin, "this column has no 'phase_mapping'; name the phases whose tickets stand in it");
        foreach (var (phase, at) in mapping)
            marks.Mapping.Add((id ?? "", phase, at));
        var to = faults.Line(column, "auto_transition_to", 50);
        if (id is not null && to is not null)
            marks.Auto[id] = column.Mark("auto_transition_to");
        var read = new BoardColumn(
            Id: id ?? "",
            Name: faults.Required(column, "name", 100) ?? "",
            Description: faults.Text(column, "description", 500),
            PhaseMapping: [.. mapping.Select(m => m.Text)],
            WipLimit: faults.Try(() => column.Number("wip_limit", 1, 10_000, "a whole number of tickets")),
            AutoTransitionTo: to,
            Pull: faults.Word(column, "pull", ColumnPull.Auto),
            ColorTheme: faults.OneOf(column, "color_theme", ["blue", "green", "yellow", "red", "gray"]),
            Terminal: Terminal(column)
        );
        return id is null ? null : read;
    }

    /// <summary>Says what is wrong with the id of a phase; null when nothing is.</summary>
    public static string? PhaseFault(string id) =>
        PhaseId().IsMatch(id)
            ? null
            : $"'{YamlSection.Shown(id)}' must begin with PHASE_, followed by A-Z, 0-9 and _, such as PHASE_TESTING";

    private bool Terminal(YamlSection of)
    {
        var (own, upstreams) = (faults.Try(() => of.Truth("terminal")), faults.Try(() => of.Truth("is_terminal")));
        if (of.Keys.Contains("terminal") && of.Keys.Contains("is_terminal"))
            faults.Add(of.Mark("is_terminal"), "'terminal' and 'is_terminal' are the same; leave one out");
        return own ?? upstreams ?? false;
    }

    [GeneratedRegex(@"\APHASE_[A-Z0-9_]+\z")]
    private static partial Regex PhaseId();
}
