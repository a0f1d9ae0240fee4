namespace Hive.Agent.Mcp;

/// <summary>
/// Standard input that reports its end: the client is gone then, and the results of running calls have no reader, but
/// the SDK's server would let the calls run to their end. Unlike a console's, its reads can be cancelled.
/// </summary>
internal sealed class ClientInput(Stream input, Action ended) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Standard input is read with a call that blocks. On a thread of the pool it would hold the only one that there
        // is with one processor, until the pool adds another one after a second.
        var read = await Task
            .Factory.StartNew(
                () => input.Read(buffer.Span),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            )
            .WaitAsync(cancellationToken);
        if (read == 0)
            ended();
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = input.Read(buffer, offset, count);
        if (read == 0)
            ended();
        return read;
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
