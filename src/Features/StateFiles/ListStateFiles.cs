using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.StateFiles;

/// <summary>Lists one folder below an agent's state folder: what <see cref="ReadStateFile"/> would read, and folders.
/// </summary>
internal static class ListStateFiles
{
    /// <summary>The most entries in an answer.</summary>
    public const int MaxEntries = 500;

    /// <param name="Name">The agent.</param>
    /// <param name="Path">The folder below the state folder, such as <c>notes/2026</c>; the state folder itself when it
    /// is missing or empty.</param>
    internal sealed record Query(string Name, string? Path = null) : IRequest<Result>;

    /// <param name="Path">The folder, in container form, with a slash at its end.</param>
    /// <param name="Entries">Folders first, then files, each by name.</param>
    /// <param name="More">True when the folder holds more than was looked at or listed.</param>
    internal sealed record Result(string Path, IReadOnlyList<StateFileEntry> Entries, bool More);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Path).MustBeText(StateFilePath.MaxBytes);
    }

    internal sealed class Handler(StateFolderReader folders, IRoster roster) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var agent = roster.Require(request.Name).Name;
            var root = $"/agents/{agent}/state";
            var below = (request.Path ?? "").TrimEnd('/');
            // Reading waits for the disk, and the caller may be the thread that serves sockets.
            return Task.Run(
                () =>
                    folders.Read(root, below, MaxEntries) is { } found
                        ? new Result(below.Length == 0 ? $"{root}/" : $"{root}/{below}/", found.Entries, found.More)
                        : throw NotFound(),
                cancellationToken
            );
        }

        // The same message for every reason, as for a file.
        private static Problem NotFound() =>
            Problem.NotFound(
                "folder not found; 'path' must be a folder (not a link or a repository) below the agent's state folder"
            );
    }
}

/// <summary>A file or a folder in a listing.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Folder">True for a folder.</param>
/// <param name="ModifiedAt">When its content last changed, to the second.</param>
/// <param name="Size">The size of a file in bytes.</param>
internal sealed record StateFileEntry(string Name, bool Folder, DateTimeOffset ModifiedAt, long? Size = null);
