using System.ComponentModel;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Lists the cards of a board by column, from the top of each, with the number of those that match.</summary>
internal static class ListCards
{
    private const int Usual = 50;
    private const int Most = 10_000;

    private static readonly string[] States = ["running", "blocked", "waiting", "failed", "to_approve"];

    /// <param name="Workflow">The workflow; null for the default one.</param>
    /// <param name="Column">The id of one column; null for all.</param>
    /// <param name="Text">Words that a ticket has in its number, title, labels, agents or priority.</param>
    /// <param name="State">A state; only open tickets that are in it match.</param>
    /// <param name="Limit">The most cards of a column.</param>
    internal sealed record Query(
        string? Workflow = null,
        string? Column = null,
        [property: Description("Words, each in the number, the title, the labels, the agents or the priority.")]
            string? Text = null,
        [property: Description("running, blocked, waiting, failed or to_approve.")] string? State = null,
        [property: Description("The most cards of each column.")] int? Limit = null
    ) : IRequest<Result>;

    /// <param name="Workflow">The workflow.</param>
    /// <param name="Count">The tickets on the board, whether they match or not.</param>
    /// <param name="States">How many of them are in each state.</param>
    /// <param name="Columns">The columns in their order. One for the blocked tickets comes last, if the workflow has
    /// none.</param>
    internal sealed record Result(
        string Workflow,
        int Count,
        IReadOnlyDictionary<string, int> States,
        IReadOnlyList<ColumnCards> Columns
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Text).MustBeText(TicketRules.ReasonBytes);
            RuleFor(q => q.State)
                .Must(state => state is null || States.Contains(state))
                .WithMessage($"'state' must be one of {string.Join(", ", States)}");
        }
    }

    internal sealed class Handler(
        IStore store,
        TicketViews views,
        IWorkflows workflows,
        ColumnCounts counts,
        Lazy<IEnumerable<ITicketWork>> work,
        Lazy<IEnumerable<ITicketWaits>> waits
    ) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken)
        {
            var workflow = workflows.Require(query.Workflow);
            var lanes = Lane.Of(workflow);
            if (query.Column is { } column && !lanes.Exists(lane => lane.Id == column))
                throw Problem.NotFound(
                    $"the board of '{workflow.Name}' has no column '{column}'; its columns: "
                        + string.Join(", ", lanes.Select(lane => lane.Id))
                );
            return store.Read(db => Read(db, query, workflow, lanes), cancellationToken);
        }

        private Result Read(DbConnection db, Query query, Workflow workflow, List<Lane> lanes)
        {
            var open = db.Prepare(OpenSql).Bind(1, workflow.Name).All<TicketRow>();
            var now = work.Value.LastOrDefault()?.Of(db, [.. open.Select(row => row.Id)]) ?? NoWork;
            var needsYou = waits.Value.LastOrDefault()?.Keys ?? NoKeys;
            TicketWork Work(TicketRow row) => now.GetValueOrDefault(row.Id, TicketWork.None);
            bool IsIn(string state, TicketRow row) =>
                ListCards.IsIn(state, row, Work(row))
                // A block and an approval are states of their own.
                || (state == "waiting" && row is { Blocked: null, IsPending: false } && needsYou.ContainsKey(row.Id));
            var states = States.ToDictionary(s => s, s => open.Count(row => IsIn(s, row)));
            var words = query.Text?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
            foreach (var row in open.Where(row => query.State is null || IsIn(query.State, row)))
            {
                if (words.Length == 0 || Has(words, Texts.Of(row), Work(row).Agents))
                    Lane.Put(row, workflow, lanes);
            }

            var limit = Math.Clamp(query.Limit ?? Usual, 1, Most);
            var all = open.Count;
            List<ColumnCards> shown = [];
            foreach (var lane in lanes)
            {
                var ended = 0;
                IReadOnlyList<TicketRow> latest = [];
                if (lane.Ends)
                {
                    // The counts in memory may be newer than this read's tickets.
                    ended = Math.Max(
                        counts.Of(workflow, lane.Column!)
                            - open.Count(row => row.IsPlaced && lane.Column!.PhaseMapping.Contains(row.PhaseId)),
                        0
                    );
                    all += ended;
                    if (query.State is not null)
                        ended = 0;
                    else if (query.Column is null || query.Column == lane.Id)
                        (ended, latest) = Ended(db, workflow, lane.Column!, words, limit, ended);
                }

                if (query.Column is not null && query.Column != lane.Id)
                    continue;
                TicketRow[] rows = [.. lane.InFront(workflow, counts).Concat(latest).Concat(lane.Rows).Take(limit)];
                shown.Add(new ColumnCards(lane.Id, ended + lane.Count, views.Cards(db, rows)));
            }

            return new Result(workflow.Name, all, states, shown);
        }

        // Those that ended last, and how many there are. SQL ignores the case of ASCII letters alone, so the words are
        // looked up here, in the texts of all of them.
        private static (int, IReadOnlyList<TicketRow>) Ended(
            DbConnection db,
            Workflow workflow,
            BoardColumn column,
            string[] words,
            int limit,
            int count
        )
        {
            var phases = TicketRow.Json(column.PhaseMapping);
            if (words.Length == 0)
            {
                var rows = db.Prepare(EndedSql).Bind(1, workflow.Name).Bind(2, phases).Bind(3, limit).All<TicketRow>();
                return (rows.Count < limit ? rows.Count : Math.Max(count, limit), rows);
            }

            List<long> found = [];
            var all = 0;
            db.Prepare(EndedTextsSql)
                .Bind(1, workflow.Name)
                .Bind(2, phases)
                .Each<Texts>(texts =>
                {
                    if (Has(words, texts, []) && ++all <= limit)
                        found.Add(texts.Id);
                });
            return (all, db.Prepare(FoundSql).Bind(1, JsonSerializer.Serialize(found)).All<TicketRow>());
        }
    }

    private static readonly Dictionary<long, TicketWork> NoWork = [];

    private static readonly Dictionary<long, string> NoKeys = [];

    private static bool IsIn(string state, TicketRow row, TicketWork work) =>
        state switch
        {
            "running" => work.Tasks.Running > 0,
            "blocked" => row.Blocked is not null,
            "waiting" => row.Gate == TicketRow.Gates.Waiting,
            "failed" => work.Tasks.Failed > 0 || row.Gate == TicketRow.Gates.Failed,
            _ => row.IsPending,
        };

    private static bool Has(string[] words, Texts row, IReadOnlyList<string> agents)
    {
        string[] texts =
        [
            string.Create(CultureInfo.InvariantCulture, $"#{row.Id}"),
            row.Title,
            Priorities.Word((int)row.Priority),
            .. TicketRow.List(row.Labels),
            .. agents,
        ];
        return words.All(word => texts.Any(text => text.Contains(word, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>The texts of a ticket in which the words of a filter are looked up.</summary>
    private sealed record Texts
    {
        public required long Id { get; init; }

        public required string Title { get; init; }

        public required long Priority { get; init; }

        public required string Labels { get; init; }

        public static Texts Of(TicketRow row) =>
            new()
            {
                Id = row.Id,
                Title = row.Title,
                Priority = row.Priority,
                Labels = row.Labels,
            };
    }

    /// <summary>Collects the open tickets of a column; without a column, the blocked ones of a workflow that has none
    /// for them.</summary>
    private sealed class Lane(BoardColumn? column)
    {
        private readonly List<TicketRow> waiting = [];
        private readonly List<TicketRow> rows = [];

        public BoardColumn? Column => column;

        public string Id => column?.Id ?? "blocked";

        public int Count => waiting.Count + rows.Count;

        public bool IsOverlay => column?.PhaseMapping.Contains(Phase.BlockedId) ?? true;

        public bool Ends => column is { Terminal: true } && !IsOverlay;

        public static List<Lane> Of(Workflow workflow)
        {
            List<Lane> lanes = [.. workflow.BoardColumns.Select(c => new Lane(c))];
            if (!lanes.Exists(lane => lane.IsOverlay))
                lanes.Add(new Lane(null));
            return lanes;
        }

        /// <summary>Places an open ticket: by its approval, its block, the column that it waits for, or its
        /// phase.</summary>
        public static void Put(TicketRow row, Workflow workflow, List<Lane> lanes)
        {
            var home = lanes.Find(lane => lane.Column?.PhaseMapping.Contains(row.PhaseId) == true) ?? lanes[0];
            if (row.IsPending)
                home.waiting.Add(row);
            else if (row.Blocked is not null)
                lanes.Find(lane => lane.IsOverlay)!.rows.Add(row);
            else if (
                row.Gate == TicketRow.Gates.Waiting
                && workflow.PhaseOf(row.PhaseId) is { } phase
                && workflow.NextOf(phase) is { } next
                && workflow.ColumnOf(next.Id) is { } ahead
            )
                lanes.Find(lane => lane.Column == ahead)!.waiting.Add(row);
            else
                home.rows.Add(row);
        }

        /// <summary>The open tickets in the column by their rank.</summary>
        public IEnumerable<TicketRow> Rows =>
            Ends ? rows.OrderByDescending(row => row.Id) : rows.OrderBy(row => row.Rank).ThenBy(row => row.Id);

        /// <summary>The tickets in front of the column, in the order in which they enter.</summary>
        public IEnumerable<TicketRow> InFront(Workflow workflow, ColumnCounts counts)
        {
            var line =
                waiting.Count == 0 || column is null
                    ? []
                    : counts.Line(workflow, column).Index().ToDictionary(one => one.Item, one => one.Index);
            return waiting
                .OrderByDescending(row => row.Priority)
                .ThenBy(row => row.IsPending ? -1 : line.GetValueOrDefault(row.Id, int.MaxValue))
                .ThenBy(row => row.Id);
        }
    }

    private const string OpenSql = $"""
        SELECT {TicketRow.CardColumns}
          FROM tickets INDEXED BY tickets_open
         WHERE workflow = ?1 AND done_at IS NULL
        """;

    private const string EndedFrom = """
          FROM tickets INDEXED BY tickets_done
         WHERE done_at IS NOT NULL AND workflow = ?1 AND approval = 'approved'
           AND phase_id IN (SELECT value FROM json_each(?2))
         ORDER BY done_at DESC, id DESC
        """;

    private const string EndedSql = $"""
        SELECT {TicketRow.CardColumns}
        {EndedFrom}
         LIMIT ?3
        """;

    private const string EndedTextsSql = $"""
        SELECT id, title, priority, labels
        {EndedFrom}
        """;

    private const string FoundSql = $"""
        SELECT {TicketRow.CardColumns}
          FROM tickets
         WHERE id IN (SELECT value FROM json_each(?1))
         ORDER BY done_at DESC, id DESC
        """;
}

/// <summary>The cards of a column, from the top.</summary>
/// <param name="Id">The column's id.</param>
/// <param name="Count">Its tickets that match, those in front of it among them.</param>
/// <param name="Cards">The first of them: those that wait in front of it, then by rank; in a column of ended tickets
/// the latest end first.</param>
internal sealed record ColumnCards(string Id, int Count, IReadOnlyList<TicketCard> Cards);
