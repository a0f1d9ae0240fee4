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

/// <summary>Makes a backup: a tar archive, sent in pieces to the operator's command, which writes the
/// file.</summary>
internal static class MakeBackup
{
    internal sealed record Query : IRequest<IAsyncEnumerable<object>>, IWaitingRequest;

    /// <summary>A piece of the archive, in base64.</summary>
    internal sealed record Piece(string Chunk);

    /// <summary>The end of the archive, with its size, hash and members.</summary>
    internal sealed record End(long Bytes, string Sha256, IReadOnlyList<string> Holds);

    /// <summary>The archive's first member, <c>backup.json</c>.</summary>
    private sealed record Manifest(int Format, string HiveVersion, DateTimeOffset MadeAt, IReadOnlyList<string> Holds);

    internal sealed class Handler(IEnumerable<IBackupPart> parts, HivePaths paths, TimeProvider clock)
        : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        private const string ManifestName = "backup.json";

        // In base64 a piece stays below the 64 KiB limit of lines.
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
                // The command may have disconnected before the end.
                await stop.CancelAsync();
                await pipe.Reader.CompleteAsync();
                await archiving;
                Directory.Delete(folder, recursive: true);
            }
        }

        // The next start removes the folder if the host is killed.
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
                $"the backup failed: {e.Message}. Make sure that the data folder is writable and has room, "
                    + "then try again",
                e
            );

        // Never throws: the reader of the pipe gets the error.
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

            await output.CompleteAsync(error);
        }
    }
}
