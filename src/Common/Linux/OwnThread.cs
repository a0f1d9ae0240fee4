using System.Runtime.ExceptionServices;

namespace Hive.Common.Linux;

/// <summary>Runs something on a thread that ends afterwards, because it changes what only the thread and its children
/// have: namespaces, filters.</summary>
public static class OwnThread
{
    /// <summary>Runs it.</summary>
    /// <param name="work">Its exception is the task's. It may start programs, but nothing that creates threads, such as
    /// an asynchronous call: they would inherit what it has changed, and so would the threads that they create.</param>
    /// <param name="name">The name of the thread.</param>
    public static Task<T> Run<T>(Func<T> work, string name) =>
        // The thread that completes a task may have to create one for the pool, so it is not the one that is changed.
        Task.Factory.StartNew(
            () =>
            {
                var (result, fault) = (default(T), default(ExceptionDispatchInfo));
                var changed = new Thread(() =>
                {
                    try
                    {
                        result = work();
                    }
                    catch (Exception e)
                    {
                        fault = ExceptionDispatchInfo.Capture(e);
                    }
                })
                {
                    IsBackground = true,
                    Name = name,
                };
                changed.Start();
                changed.Join();
                fault?.Throw();
                return result!;
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
}
