using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;

namespace Hive.Cli.Costs;

/// <summary><c>hive budget</c> and <c>hive costs</c>: what may be spent, and what was.</summary>
internal static class CostsVerbs
{
    private static readonly Screen.Column[] Budgets =
    [
        "id",
        Screen.Column.Name("of"),
        "level",
        "spent",
        "limit",
        "period",
        "reserved",
        "on exceed",
        "ends",
        "scope",
    ];

    private static readonly Screen.Column[] Models =
    [
        "provider",
        Screen.Column.Name("model"),
        "cost",
        "tokens",
        "bookings",
    ];

    public static Command[] All()
    {
        var budget = List("budget", "Limit what agents may spend: list, set or delete budgets.");
        budget.Subcommands.Add(List("list", "List the budgets and what is spent of them."));
        budget.Subcommands.Add(Set());
        budget.Subcommands.Add(Delete());
        return [budget, Costs()];
    }

    private static Command List(string name, string description) =>
        Verb.Create(
            name,
            description,
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("budgets");
                var budgets = answer.GetProperty("budgets").Deserialize<BudgetView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (budgets.Length == 0)
                    verb.Screen.Line("No budgets.");
                else
                    Show(verb.Screen, budgets);
            },
            CommonOptions.Wide()
        );

    private static void Show(Screen screen, BudgetView[] budgets)
    {
        screen.Table(Budgets, [.. budgets.Select(Cells)]);
        foreach (var budget in budgets)
        {
            if (budget.Held is { } held)
                screen.Styled(
                    $"budget {Number(budget.Id)} holds {Number(held.Tasks)} {(held.Tasks == 1 ? "task" : "tasks")}: "
                        + $"{Both(held.LeftUsd, held.LeftTokens)} left"
                        + (Both(held.LeastUsd, held.LeastTokens) is { Length: > 0 } least ? $", {least} needed" : "")
                        + (held.Stuck ? "; raise the limit" : "; some is reserved"),
                    held.Stuck ? "red" : "yellow"
                );
        }
    }

    private static Command Set()
    {
        var usd = Number("--usd", "N", "The limit in US dollars");
        var tokens = new Option<long?>("--tokens") { Description = "The limit in tokens of all kinds", HelpName = "N" };
        var scope = Scope("What it covers: global, ticket, agent, phase or task_type", withTask: false);
        var of = Of();
        var period = TicketWords
            .Text("--period", "PERIOD", "once, day, week or month, from midnight UTC. Default: once")
            .CompletedBy("once", "day", "week", "month");
        var alert = Number("--alert", "SHARE", "The share of the limit at which you are warned, 0.01 to 1");
        var act = TicketWords
            .Text("--on-exceed", "ACT", "hold: give no more tasks; cancel: end runs too; warn: only tell you")
            .CompletedBy("hold", "cancel", "warn");
        var clear = TicketWords
            .Text("--clear", "LIMIT", "Remove one of its two limits: usd or tokens")
            .CompletedBy("usd", "tokens");
        return Verb.Create(
            "set",
            "Make a budget, or change the one with the same scope and period, which keeps what is left out.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "budget_set",
                    new
                    {
                        scope = parsed.GetValue(scope),
                        scope_id = parsed.GetValue(of),
                        limit_usd = parsed.GetValue(usd),
                        limit_tokens = parsed.GetValue(tokens),
                        period = parsed.GetValue(period),
                        alert_threshold = parsed.GetValue(alert),
                        on_exceed = parsed.GetValue(act),
                        clear = parsed.GetValue(clear) is { } limit ? new[] { $"limit_{limit}" } : null,
                    }
                );
                verb.Report(answer, $"budget {answer.GetProperty("budget").GetProperty("id").GetInt64()} is set");
            },
            usd,
            tokens,
            scope,
            of,
            period,
            alert,
            act,
            clear
        );
    }

    private static Command Delete()
    {
        var id = new Argument<long>("ID") { Description = "The budget's id, from hive budget list" };
        return Verb.Create(
            "delete",
            "Delete a budget; what it held goes on.",
            async (verb, parsed) =>
            {
                var budget = parsed.GetRequiredValue(id);
                verb.Report(await verb.CallAsync("budget_delete", new { id = budget }), $"budget {budget} is deleted");
            },
            id
        );
    }

    private static Command Costs()
    {
        var scope = Scope("Of what: global, ticket, agent, phase, task_type or task", withTask: true);
        var of = Of();
        return Verb.Create(
            "costs",
            "Show what turns were booked, by model.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "costs",
                    new { scope = parsed.GetValue(scope), scope_id = parsed.GetValue(of) }
                );
                var costs = answer.GetProperty("costs").Deserialize<CostSummary>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                    Show(verb.Screen, costs);
            },
            scope,
            of,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, CostSummary costs)
    {
        if (costs.Records == 0)
        {
            screen.Line("Nothing was booked.");
            return;
        }

        screen.Line($"{Usd(costs.CostUsd)} for {Number(costs.Tokens)} tokens");
        if (costs.AssumedUsd > 0)
            screen.Styled($"{Usd(costs.AssumedUsd)} of it by an assumed price: the model has none", "yellow");
        if (costs.Uncounted > 0)
            screen.Styled($"{Number(costs.Uncounted)} not counted: nothing was reported", "yellow");
        screen.Table(
            Models,
            [
                .. costs.Breakdown.Select(m =>
                    (Screen.Cell[])[m.Provider, m.Model ?? "–", Usd(m.CostUsd), Number(m.Tokens), Number(m.Records)]
                ),
            ]
        );
    }

    private static Screen.Cell[] Cells(BudgetView budget) =>
        [
            Number(budget.Id),
            budget.ScopeId ?? "all",
            new(
                budget.Level,
                budget.Level switch
                {
                    "exceeded" => "red",
                    "warning" => "yellow",
                    _ => "green",
                }
            ),
            Both(
                budget.LimitUsd is null ? null : budget.SpentUsd,
                budget.LimitTokens is null ? null : budget.SpentTokens
            ),
            Both(budget.LimitUsd, budget.LimitTokens),
            budget.Period,
            Both(
                budget.LimitUsd is null ? null : budget.ReservedUsd,
                budget.LimitTokens is null ? null : budget.ReservedTokens
            ),
            budget.OnExceed,
            budget.PeriodEnd is { } end ? Screen.Left(end) : "–",
            budget.Scope,
        ];

    private static string Both(double? usd, long? tokens) =>
        string.Join(
            " · ",
            new[]
            {
                usd is { } dollars ? Usd(dollars) : null,
                tokens is { } count ? $"{Number(count)} tokens" : null,
            }.OfType<string>()
        );

    private static string Usd(double usd) => string.Create(CultureInfo.InvariantCulture, $"${usd:0.00##}");

    private static string Number(long number) => TicketWords.Number(number);

    private static Option<double?> Number(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    private static Option<string> Scope(string description, bool withTask) =>
        new Option<string>("--scope")
        {
            Description = $"{description}. Default: global",
            HelpName = "SCOPE",
            DefaultValueFactory = _ => "global",
        }.CompletedBy(["global", "ticket", "agent", "phase", "task_type", .. withTask ? (string[])["task"] : []]);

    private static Option<string?> Of() =>
        TicketWords.Text(
            "--of",
            "ID",
            "The ticket's id, the agent, workflow/PHASE_NAME, the task type or the task's id"
        );
}
