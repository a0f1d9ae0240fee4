using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Agents;

/// <summary><c>hive duty</c>: the tasks that agents can take.</summary>
internal static class DutyVerb
{
    private static readonly Screen.Column[] Heads =
    [
        Screen.Column.Name("agent"),
        "duty",
        "status",
        "tasks",
        Screen.Column.Text("capabilities"),
        Screen.Column.Text("phases"),
    ];

    public static Command Create()
    {
        var duty = new Command("duty", "Show or change which tasks agents can take.") { List(), Set() };
        return duty;
    }

    // The most that one answer has (docs/protocol.md).
    private const int Most = 100;

    private static Command List() =>
        Verb.Create(
            "list",
            "List the agents that take tasks.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("list_work", new { what = "agents", limit = Most });
                var agents = answer.GetProperty("agents").EnumerateArray().ToArray();
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (agents.Length == 0)
                    verb.Screen.Line("No agent takes tasks. Give one a duty: hive duty set NAME --duty worker");
                else
                {
                    verb.Screen.Table(Heads, [.. agents.Select(Cells)]);
                    if (agents.Length == Most)
                        verb.Screen.Line(Invariant($"These are the first {Most}; hive status lists all agents."));
                }
            },
            CommonOptions.Wide()
        );

    private static Screen.Cell[] Cells(JsonElement agent) =>
        [
            Text(agent, "name"),
            Text(agent, "duty"),
            Text(agent, "status"),
            Invariant($"{agent.GetProperty("active_tasks").GetInt32()}/{agent.GetProperty("capacity").GetInt32()}"),
            Words(agent, "capabilities"),
            Words(agent, "phases") is { Length: > 0 } phases ? phases : "all",
        ];

    private static Command Set()
    {
        var name = CommonOptions.Agent();
        var duty = TicketWords
            .Text("--duty", "DUTY", "worker, validator or none")
            .CompletedBy("worker", "validator", "none");
        var capabilities = Several("--capability", "WORD", "Replaces what it is able to do; can be repeated");
        var capacity = new Option<int?>("--capacity") { Description = "Tasks at once, 1 to 16", HelpName = "N" };
        var phases = Several("--phase", "PHASE", "Replaces the phases that it works in; can be repeated")
            .CompletedBy(Known.PhasesAsync);
        var tags = Several("--tag", "TAG", "Replaces its tags; can be repeated");
        var clear = Several(
                "--clear",
                "FIELD",
                "Follows agent.yaml again: duty, capabilities, capacity, phases or tags"
            )
            .CompletedBy("duty", "capabilities", "capacity", "phases", "tags");
        return Verb.Create(
            "set",
            "Change which tasks an agent can take, until its field is cleared.",
            async (verb, parsed) =>
            {
                var agent = parsed.GetRequiredValue(name);
                var answer = await verb.CallAsync(
                    "agent_change",
                    new
                    {
                        name = agent,
                        duty = parsed.GetValue(duty),
                        capabilities = TicketWords.Several(parsed.GetValue(capabilities)),
                        capacity = parsed.GetValue(capacity),
                        phases = TicketWords.Several(parsed.GetValue(phases)),
                        tags = TicketWords.Several(parsed.GetValue(tags)),
                        clear = TicketWords.Several(parsed.GetValue(clear)),
                    }
                );
                var now = answer.GetProperty("agent");
                var able = Words(now, "capabilities") is { Length: > 0 } words ? $", able to do {words}" : "";
                verb.Report(
                    answer,
                    Text(now, "duty") is { Length: > 0 } given
                        ? Invariant($"{agent} is a {given} for {now.GetProperty("capacity").GetInt32()} at once{able}")
                        : $"{agent} takes no tasks"
                );
            },
            name,
            duty,
            capabilities,
            capacity,
            phases,
            tags,
            clear
        );
    }

    private static Option<string[]> Several(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    private static string Text(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) ? value.GetString()! : "";

    private static string Words(JsonElement row, string member) =>
        row.TryGetProperty(member, out var list)
            ? string.Join(", ", list.EnumerateArray().Select(word => word.GetString()))
            : "";
}
