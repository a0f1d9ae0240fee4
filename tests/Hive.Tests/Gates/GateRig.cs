using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>A real host whose gates stand on tickets and tasks of the test.</summary>
internal sealed class GateRig : IAsyncDisposable
{
    private static readonly Dictionary<string, double> NoMetrics = [];

    private GateRig(HiveFixture hive) => Hive = hive;

    public HiveFixture Hive { get; }

    public IStore Store => Hive.Services.GetRequiredService<IStore>();

    public StandInTickets Tickets => (StandInTickets)Hive.Services.GetRequiredService<ITickets>();

    public StandInTasks Tasks => (StandInTasks)Hive.Services.GetRequiredService<ITasks>();

    private ITaskChecks Checks => Hive.Services.GetServices<ITaskChecks>().OfType<TaskEvidence>().Single();

    /// <summary>Starts a host with a workflow whose middle phase has those keys.</summary>
    public static async Task<GateRig> Start(string keys, string first = "")
    {
        var hive = await HiveFixture.StartWith(services =>
            services
                .AddSingleton<ISchema, StandInSchema>()
                .AddSingleton<StandInTickets>()
                .AddSingleton<ITickets>(provider => provider.GetRequiredService<StandInTickets>())
                .AddSingleton<IWorkflowTickets>(provider => provider.GetRequiredService<StandInTickets>())
                .AddSingleton<StandInTasks>()
                .AddSingleton<ITasks>(provider => provider.GetRequiredService<StandInTasks>())
                .AddSingleton<IReviewTasks>(provider => provider.GetRequiredService<StandInTasks>())
        );
        var rig = new GateRig(hive);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        await host.CallAsync("workflow_load", new { text = Cases.Yaml(keys, first) });
        return rig;
    }

    /// <summary>Makes a ticket in the middle phase, with one task for each type.</summary>
    public async Task<long> Ticket(params string[] types)
    {
        var id = await Store.Write(write =>
        {
            var ticket = Tickets.Add(write, "work", Cases.Phase);
            foreach (var type in types)
                Tasks.Add(write, ticket, new TaskSpec(type, $"Do {type}", Capabilities: [type]), "operator");
            return ticket;
        });
        await Judged();
        return id;
    }

    /// <summary>Ends a task with what its agent hands in.</summary>
    public async Task Complete(
        long task,
        string agent = "alice",
        HandedIn[]? artifacts = null,
        Dictionary<string, double>? metrics = null,
        TaskResult? result = null
    )
    {
        await CompleteOnly(task, agent, artifacts, metrics, result);
        await Judged();
    }

    /// <summary>The same, without waiting for the judgement.</summary>
    public async Task CompleteOnly(
        long task,
        string agent = "alice",
        HandedIn[]? artifacts = null,
        Dictionary<string, double>? metrics = null,
        TaskResult? result = null
    )
    {
        result ??= new TaskResult($"did {task}", [], [], []);
        // Work takes time: what is measured comes after the verdict before it.
        Hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var about = await Store.Read(db => Tasks.Require(db, task));
        var collected = await Checks.Collect(
            agent,
            (about.Ticket, task),
            artifacts ?? [],
            TestContext.Current.CancellationToken
        );
        await Store.Write(write =>
        {
            Checks.Completed(write, Tasks.Require(write.Db, task), result, collected, metrics ?? NoMetrics, agent);
            Tasks.End(write, task, "completed", agent, result);
        });
    }

    /// <summary>Hands in what a running task has so far.</summary>
    public async Task HandIn(long task, params HandedIn[] artifacts)
    {
        await HandInOnly(task, artifacts);
        await Judged();
    }

    /// <summary>The same, without waiting for the judgement.</summary>
    public async Task HandInOnly(long task, params HandedIn[] artifacts)
    {
        var about = await Store.Read(db => Tasks.Require(db, task));
        var collected = await Checks.Collect(
            "alice",
            (about.Ticket, task),
            artifacts,
            TestContext.Current.CancellationToken
        );
        await Store.Write(write =>
        {
            var entry = Tasks.Require(write.Db, task);
            if (entry.HasEnded)
                throw Problem.Conflict($"task {task} has ended");
            Checks.Handed(write, entry, collected, "alice");
        });
    }

    /// <summary>Runs a write, and waits for the judgements that follow from it.</summary>
    public async Task Do(Action<IWrite> work)
    {
        await Store.Write(work);
        await Judged();
    }

    /// <summary>Completes when no gate is marked that can be judged.</summary>
    public async Task Judged()
    {
        await Patience.Until(() => Store.Read(db => Tickets.Marked(db).Count == 0), "no gate is marked");
        await Hive.Settled();
    }

    public Task<TicketEntry> Find(long ticket) => Store.Read(db => Tickets.Require(db, ticket));

    public Task<IReadOnlyList<TaskEntry>> TasksOf(long ticket) => Store.Read(db => Tasks.Of(db, ticket));

    public Task<string?> Summary(long ticket) =>
        Store.Read(db =>
            db.QuerySingle<string?>("SELECT summary FROM stand_in_tickets WHERE id = @ticket", new { ticket })
        );

    public async Task<JsonElement> Call(string command, object fields)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return await host.CallAsync(command, fields);
    }

    public async Task<GateView> Gate(long ticket, bool judge = false, string? phase = null) => (
            await Call(
                "gate",
                new
                {
                    ticket,
                    judge,
                    phase_id = phase,
                }
            )
        ).GetProperty("gate").Deserialize<GateView>(WireJson.Options)!;

    public async Task<Review[]> Reviews() =>
        (await Call("reviews", new { })).GetProperty("reviews").Deserialize<Review[]>(WireJson.Options)!;

    /// <summary>Lets a validator look at its review and give the verdict.</summary>
    public Task Review(string validator, long review, string verdict, string? feedback = null) =>
        Do(write =>
        {
            var reviews = Hive.Services.GetRequiredService<Reviews>();
            var asked = Features.Gates.Reviews.MustBeOpen(ReviewTable.Require(write.Db, review));
            Tasks.End(write, asked.ReviewTask!.Value, "completed", validator);
            reviews.Decide(write, asked, verdict, feedback, validator);
        });

    public Task Decide(long review, string verdict, string? feedback = null) =>
        Call(
            "review_decide",
            new
            {
                id = review,
                verdict,
                feedback,
            }
        );

    /// <summary>Data of a type with one number.</summary>
    public static HandedIn Data(string type, int score) => new(type, Content: new JsonObject { ["score"] = score });

    public ValueTask DisposeAsync() => Hive.DisposeAsync();
}
