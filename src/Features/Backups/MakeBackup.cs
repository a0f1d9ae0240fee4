using System.Buffers;
using System.Formats.Tar;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Hive.Common.Backups;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Backups;

/// <summary>Hands a backup to the operator's command: a tar archive in pieces, which the command writes
/// itself.</summary>
internal static class MakeBackup
{
    internal sealed record Query : IRequest<IAsyncEnumerable<object>>, IWaitingRequest;

    /// <summary>A piece of the archive, in base64.</summary>
    internal sealed record Piece(string Chunk);

    /// <summary>The end of the archive, and what it must have been.</summary>
    internal sealed record End(long Bytes, string Sha256, IReadOnlyList<string> Holds);

    /// <summary>What the archive says of itself, in its first member <c>backup.json</c>.</summary>
    private sealed record Manifest(int Format, string HiveVersion, DateTimeOffset MadeAt, IReadOnlyList<string> Holds);

    internal sealed class Handler(IEnumerable<IBackupPart> parts, HivePaths paths, TimeProvider clock)
        : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        private const string ManifestName = "backup.json";

        // With base64 a line stays below the 64 KiB that lines have elsewhere.
        private const int PieceBytes = 45 << 10;
        private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(Make(CancellationToken.None));

        private async IAsyncEnumerable<object> Make([EnumeratorCancellation] CancellationToken ct)
        {
            var folder = NewFolder();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var pipe = new Pipe();
            var archiving = Task.CompletedTask;
            try
            {
                var holds = await Collect(folder, stop.Token);
                archiving = Archive(folder, holds, pipe.Writer, stop.Token);
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                var bytes = 0L;
                while (await pipe.Reader.ReadAtLeastAsync(PieceBytes, stop.Token) is { Buffer.IsEmpty: false } read)
                {
                    var piece = read.Buffer.Slice(0, Math.Min(PieceBytes, read.Buffer.Length)).ToArray();
                    pipe.Reader.AdvanceTo(read.Buffer.GetPosition(piece.Length));
                    hash.AppendData(piece);
                    bytes += piece.Length;
                    yield return new Piece(Convert.ToBase64String(piece));
                }

                await archiving;
                yield return new End(bytes, Convert.ToHexStringLower(hash.GetHashAndReset()), holds);
            }
            finally
            {
                // The command may have gone before the end.
                await stop.CancelAsync();
                await pipe.Reader.CompleteAsync();
                await archiving;
                Directory.Delete(folder, recursive: true);
            }
        }

        // What a kill of the host leaves there is removed at the next start.
        private string NewFolder()
        {
            try
            {
                var folder = Path.Combine(paths.DataDir, "tmp", "backup-" + Guid.NewGuid().ToString("N"));
                return Directory.CreateDirectory(folder, Own | UnixFileMode.UserExecute).FullName;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw NotCollected(e);
            }
        }

        private async Task<IReadOnlyList<string>> Collect(string folder, CancellationToken ct)
        {
            try
            {
                foreach (var part in parts)
                    await part.Write(folder, ct);
                var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories);
                string[] holds = [.. files.Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];
                var manifest = new Manifest(1, HiveVersion.Text, clock.GetUtcNow(), holds);
                var text = JsonSerializer.Serialize(manifest, WireJson.Options) + "\n";
                await File.WriteAllTextAsync(Path.Combine(folder, ManifestName), text, ct);
                return [ManifestName, .. holds];
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw NotCollected(e);
            }
        }

        private static Problem NotCollected(Exception e) =>
            Problem.Unavailable(
                $"the backup cannot be put together: {e.Message}. Make sure that the data folder can be written and has room, "
                    + "and try again",
                e
            );

        // Never fails itself.
        private static async Task Archive(
            string folder,
            IReadOnlyList<string> members,
            PipeWriter output,
            CancellationToken ct
        )
        {
            Exception? error = null;
            try
            {
                await using var tar = new TarWriter(output.AsStream(leaveOpen: true), TarEntryFormat.Pax);
                foreach (var member in members)
                {
                    File.SetUnixFileMode(Path.Combine(folder, member), Own);
                    await tar.WriteEntryAsync(Path.Combine(folder, member), member, ct);
                }
            }
            catch (Exception e)
            {
                error = e;
            }

            // The reader gets what went wrong.
            await output.CompleteAsync(error);
        }
    }
}
