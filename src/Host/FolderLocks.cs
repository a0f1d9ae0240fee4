namespace Hive.Host;

/// <summary>The folders that this host has locked, released together.</summary>
internal sealed class FolderLocks(FolderLock data, FolderLock? run) : IDisposable
{
    public void Dispose()
    {
        run?.Dispose();
        data.Dispose();
    }
}
