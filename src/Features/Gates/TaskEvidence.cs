using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.StateFiles.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Reads what is handed in, and stores it as the evidence of a gate.</summary>
internal sealed class TaskEvidence(
    IStore store,
    IStateFileReader files,
    ITickets tickets,
    ITasks tasks,
    IWorkflows workflows,
    Reviews reviews,
    CommitEvidence commits,
    GateMarks marks,
    TimeProvider clock
) : ITaskChecks
{
    /// <summary>The longest type, in characters.</summary>
    public const int TypeLength = 100;

    /// <summary>The most bytes of JSON.</summary>
    public const int DataBytes = 16 << 10;

    /// <summary>The largest file.</summary>
    public const int FileBytes = 1 << 20;

    public async Task<object> Collect(
        string agent,
        (long Ticket, long? Task) of,
        IReadOnlyList<HandedIn> artifacts,
        CancellationToken ct
    )
    {
        if (artifacts.Count > ArtifactTable.PerTask)
            throw Problem.TooLarge(
                $"{artifacts.Count} artifacts were handed in; the limit is {ArtifactTable.PerTask}; hand in fewer, or "
                    + "put several files into one"
            );
        // All are looked at before any file is opened.
        foreach (var artifact in artifacts)
            MustBeWellFormed(artifact);
        var collected = new CollectedArtifact[artifacts.Count];
        if (artifacts.Count == 0)
            return collected;
        if (of.Task is { } task)
            await store.Read(
                db =>
                {
                    ArtifactTable.MustTake(db, task, artifacts.Count);
                    return true;
                },
                ct
            );
        await Task.Run(
            () =>
            {
                foreach (var (i, artifact) in artifacts.Index().Where(a => a.Item.Commit is null))
                    collected[i] = Read(agent, artifact);
            },
            ct
        );
        try
        {
            foreach (var (i, artifact) in artifacts.Index().Where(a => a.Item.Commit is not null))
                collected[i] = await commits.Collect(
                    agent,
                    of.Ticket,
                    new CommitEvidence.Handed(artifact.Type, artifact.Commit!, artifact.Repository!),
                    ct
                );
        }
        catch
        {
            Done(of.Ticket, collected);
            throw;
        }

        return collected;
    }

    public void Done(long ticket, object collected) => commits.Done(ticket, (CollectedArtifact?[])collected);

    public void Handed(IWrite write, TaskEntry task, object collected, string agent)
    {
        var artifacts = (CollectedArtifact[])collected;
        // They would be newer than what the review is about.
        if (task.Kind == GateCase.ReviewKind && artifacts.Length > 0)
            throw Problem.Conflict(
                $"task {task.Id} is a review, which leaves no artifacts; say in the feedback what has to change"
            );
        Store(write, (task.Ticket, task.PhaseId, task.Id), artifacts, agent);
    }

    public void AskReview(IWrite write, TaskEntry task) => reviews.AskAbout(write, task);

    public void Cancelled(IWrite write, TaskEntry task)
    {
        if (task.Kind == GateCase.ReviewKind)
            reviews.ToOperator(write, task.Id);
        else
            reviews.CancelOf(write, task.Id);
    }

    public void MustBeOpen(IWrite write, TaskEntry review) =>
        Reviews.MustBeOpen(
            ReviewTable.OfReviewTask(write.Db, review.Id)
                ?? throw Problem.Conflict(
                    $"the review of task {review.Id} went to the operator; decide it with review_decide"
                )
        );

    public bool HasLooked(DbConnection db, TaskEntry review, string agent) =>
        ReviewTable.OfReviewTask(db, review.Id) is not { } asked || ReviewTable.HasLooked(db, asked.Id, agent);

    public void Looked(IWrite write, TaskEntry review, string agent)
    {
        if (ReviewTable.OfReviewTask(write.Db, review.Id) is { } asked)
            ReviewTable.Looked(write, asked.Id, agent);
    }

    public void Completed(
        IWrite write,
        TaskEntry task,
        TaskResult result,
        object collected,
        IReadOnlyDictionary<string, double> metrics,
        string agent
    )
    {
        Store(write, (task.Ticket, task.PhaseId, task.Id), (CollectedArtifact[])collected, agent);
        MetricTable.Add(write, task.Id, metrics, clock.GetUtcNow());
        marks.Mark(write, task.Ticket);
    }

    /// <summary>Stores artifacts, makes reviews of what was there before void, and marks the gate.</summary>
    public IReadOnlyList<Artifact> Store(
        IWrite write,
        (long Ticket, string PhaseId, long? Task) of,
        IReadOnlyList<CollectedArtifact> artifacts,
        string by
    )
    {
        if (artifacts.Count == 0)
            return [];
        var line = of.Task is { } task ? Rework.LineOf(tasks.Outline(write.Db, of.Ticket), task) : null;
        var (added, replaced) = ArtifactTable.Add(write, of, line, artifacts, by, clock.GetUtcNow());
        var phases = workflows.Find(tickets.Require(write.Db, of.Ticket).Workflow)?.Phases ?? [];
        reviews.Void(
            write,
            of.Ticket,
            [of.PhaseId, .. phases.SkipWhile(p => p.Id != of.PhaseId).Select(p => p.Id)],
            replaced
        );
        marks.Mark(write, of.Ticket);
        return added;
    }

    private static void MustBeWellFormed(HandedIn artifact)
    {
        var type = artifact.Type;
        if (string.IsNullOrWhiteSpace(type) || type != type.Trim() || type.Any(char.IsControl))
            throw Problem.Invalid("an artifact's 'type' is empty, or has blanks around it; name its type");
        if (type.Length > TypeLength)
            throw Problem.Invalid(
                $"an artifact's 'type' has {type.Length} characters; the limit is {TypeLength}; shorten it"
            );
        if (new object?[] { artifact.Path, artifact.Content, artifact.Commit }.Count(part => part is not null) != 1)
            throw Problem.Invalid(
                $"the artifact '{type}' needs exactly one of 'path' (a file), 'content' (JSON) and 'commit' (with its "
                    + "'repository')"
            );
        if (artifact.Commit is null != string.IsNullOrEmpty(artifact.Repository))
            throw Problem.Invalid(
                artifact.Commit is null
                    ? $"the artifact '{type}' names a 'repository' without a 'commit'; name both"
                    : $"the artifact '{type}' names a 'commit' without its 'repository'; name forge:<owner>/<name>, or "
                        + "a folder below your state folder or /shared"
            );
        if (artifact.Commit is { } commit)
            CommitEvidence.MustBeWellFormed(commit, artifact.Repository!);
    }

    private CollectedArtifact Read(string agent, HandedIn artifact)
    {
        if (artifact.Path is { } path)
        {
            var file = Open(agent, path);
            return new CollectedArtifact(
                artifact.Type,
                ArtifactTable.File,
                file.Path,
                file.Bytes.Length,
                Digest(file.Bytes),
                file.Bytes.Length <= ArtifactTable.KeptBytes ? file.Bytes : null
            );
        }

        var json = Json(artifact.Type, artifact.Content!);
        if (json.Length > DataBytes)
            throw Problem.TooLarge(
                $"the content of '{artifact.Type}' has {json.Length} bytes; the limit is {DataBytes}; write it to a "
                    + "file and hand in its path"
            );
        return new CollectedArtifact(artifact.Type, ArtifactTable.Data, null, json.Length, Digest(json), json);
    }

    private StateFile Open(string agent, string path)
    {
        try
        {
            return files.Read(agent, path, FileBytes);
        }
        catch (IOException e)
        {
            throw Problem.Unavailable($"the disk failed while an artifact was read: {e.Message}; try again", e);
        }
    }

    private static byte[] Json(string type, JsonNode content)
    {
        try
        {
            return Encoding.UTF8.GetBytes(content.ToJsonString(WireJson.Options));
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            throw Problem.Invalid(
                $"the content of '{type}' contains an unpaired surrogate or invalid UTF-8; send valid UTF-8",
                e
            );
        }
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
