namespace Hive.Common.Linux;

/// <summary>Runs something on a thread that ends afterwards, because it changes what only the thread and its children
/// have: namespaces, filters.</summary>
public static class OwnThread
{
    /// <summary>Runs it.</summary>
    /// <param name="work">Its exception is the task's.</param>
    /// <param name="name">The name of the thread.</param>
    public static Task<T> Run<T>(Func<T> work, string name)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        {
            IsBackground = true,
            Name = name,
        }.Start();
        return done.Task;
    }
}
