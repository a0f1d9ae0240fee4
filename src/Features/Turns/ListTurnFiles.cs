using System.Data.Common;
using System.Text;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Lists the files that a turn changed, the latest first, from the tool calls among the agent's newest events.
/// </summary>
internal static class ListTurnFiles
{
    internal const int MostFiles = 100;

    // Long enough for nearly every turn, and read in a few milliseconds.
    private const int NewestEvents = 5000;
    private const int PathBytes = 4096;

    internal sealed record Query(string Name, long Turn) : IRequest<Result>;

    /// <param name="Files">The paths as the tool was given them.</param>
    /// <param name="FileRefs">Those that the operator can open.</param>
    /// <param name="Total">The number of files, also of those that are not listed.</param>
    internal sealed record Result(IReadOnlyList<string> Files, IReadOnlyList<string> FileRefs, int Total);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.Name).MustBeAgentsName(names);
            RuleFor(q => q.Turn).MustBeIdOf("turn", "turn");
        }
    }

    internal sealed class Handler(IStore store, IRoster roster, IFileReferences references)
        : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var all = await store.Read(db => Changed(db, request), cancellationToken);
            // The turns of a destroyed agent can still be asked for; a name that no agent ever had is a mistake.
            if (all.Count == 0)
                roster.Require(request.Name);
            IReadOnlyList<string> files = [.. all.Take(MostFiles)];
            var found = await references.ScanAs(request.Name, string.Join('\n', files));
            return new Result(files, [.. found.Intersect(files)], all.Count);
        }

        private static List<string> Changed(DbConnection db, Query request)
        {
            HashSet<string> failed = new(StringComparer.Ordinal);
            HashSet<string> known = new(StringComparer.Ordinal);
            List<string> files = [];
            var calls = db.Query<Call>(
                Sql,
                new
                {
                    request.Name,
                    request.Turn,
                    skipped = NewestEvents,
                }
            );
            // From the newest: the result of a call comes before it.
            foreach (var call in calls)
            {
                if (call.Path is null)
                    failed.Add(call.CallId);
                else if (
                    (call.CallId.Length == 0 || !failed.Contains(call.CallId))
                    && Encoding.UTF8.GetByteCount(call.Path) <= PathBytes
                    && known.Add(call.Path)
                )
                    files.Add(call.Path);
            }

            return files;
        }

        // SQLite gives the columns of expressions no type by which a constructor could be chosen.
        private sealed class Call
        {
            public string CallId { get; init; } = "";

            public string? Path { get; init; }
        }

        // A row is a call that changes a file, or without a path the result of one that failed.
        private const string Sql = """
            SELECT CAST(coalesce(payload ->> '$.call', '') AS TEXT) AS CallId,
                   CASE
                       WHEN kind = 'tool_call'
                       THEN coalesce(payload ->> '$.input.file_path', payload ->> '$.input.notebook_path')
                   END AS Path
              FROM agent_events
             WHERE agent = @Name
               AND turn = @Turn
               AND id > coalesce(
                    (SELECT id FROM agent_events WHERE agent = @Name ORDER BY id DESC LIMIT 1 OFFSET @skipped), 0)
               AND (   (kind = 'tool_call'
                        AND payload ->> '$.tool' IN ('Edit', 'MultiEdit', 'NotebookEdit', 'Write')
                        AND coalesce(json_type(payload, '$.input.file_path'),
                                     json_type(payload, '$.input.notebook_path')) = 'text')
                    OR (kind = 'tool_result' AND json_type(payload, '$.error') = 'true'))
             ORDER BY id DESC
            """;
    }
}
