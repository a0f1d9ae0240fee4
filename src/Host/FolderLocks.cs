namespace Hive.Host;

/// <summary>The folders this host holds, given up together.</summary>
internal sealed class FolderLocks(FolderLock data, FolderLock? run) : IDisposable
{
    public void Dispose()
    {
        run?.Dispose();
        data.Dispose();
    }
}
