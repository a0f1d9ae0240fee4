using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Hive.Common.Backups;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Backups;

/// <summary>Makes a backup: a tar archive, sent in pieces to the operator's command, which writes the
/// file.</summary>
internal static class MakeBackup
{
    internal sealed record Query(bool WithState = false) : IRequest<IAsyncEnumerable<object>>, IWaitingRequest;

    /// <summary>A piece of the archive, in base64.</summary>
    internal sealed record Piece(string Chunk);

    /// <summary>The end of the archive, with its size, its hash and the names at its top.</summary>
    /// <param name="LeftOut">The first 20 files that could not be copied, with the reasons; absent without any.</param>
    internal sealed record End(
        long Bytes,
        string Sha256,
        IReadOnlyList<string> Holds,
        IReadOnlyList<string>? LeftOut = null
    );

    internal sealed class Handler(BackupMaker maker) : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        // In base64 a piece stays below the 64 KiB limit of lines.
        private const int PieceBytes = 45 << 10;

        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(Make(new BackupChoice(request.WithState), CancellationToken.None));

        private async IAsyncEnumerable<object> Make(BackupChoice choice, [EnumeratorCancellation] CancellationToken ct)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            using var backup = await maker.Collect(choice, stop.Token);
            var pipe = new Pipe();
            var archiving = Archive(backup, pipe.Writer, stop.Token);
            try
            {
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
                yield return new End(
                    bytes,
                    Convert.ToHexStringLower(hash.GetHashAndReset()),
                    backup.Holds,
                    backup.LeftOut is { Count: > 0 } left ? [.. left.Select(file => file.Text)] : null
                );
            }
            finally
            {
                // The command may have disconnected before the end.
                await stop.CancelAsync();
                await pipe.Reader.CompleteAsync();
                await archiving;
            }
        }

        // Never throws: the reader of the pipe gets the error.
        private static async Task Archive(CollectedBackup backup, PipeWriter output, CancellationToken ct)
        {
            Exception? error = null;
            try
            {
                await BackupFile.Write(backup.Folder, backup.Manifest, output.AsStream(leaveOpen: true), ct);
            }
            catch (Exception e)
            {
                error = e;
            }

            await output.CompleteAsync(error);
        }
    }
}
