using System.Collections.Concurrent;
using System.Threading.Channels;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Storage;

/// <summary>
/// Runs the features' reactions to each other's notifications (<see cref="INotificationHandler{TNotification}"/>), one
/// notification after another, in commit order. A reaction that throws is logged, and affects neither the caller nor
/// other reactions. The host can be killed between commit and reaction, so every reaction also has a sweep at start
/// that catches up.
/// </summary>
public sealed partial class Reactions(IServiceProvider services, ILogger<Reactions> log) : BackgroundService
{
    private readonly Channel<INotification> queue = Channel.CreateUnbounded<INotification>(
        new() { SingleReader = true }
    );
    private readonly ConcurrentDictionary<Type, Reaction[]> known = new();

    internal void Add(INotification notification)
    {
        // Stopped: the sweeps of the next start catch up, and the handlers may already be disposed of.
        if (ExecuteTask is { IsCompleted: true })
            return;
        if (For(notification.GetType()).Length > 0)
            queue.Writer.TryWrite(notification);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var notification in queue.Reader.ReadAllAsync(stoppingToken))
        {
            foreach (var reaction in For(notification.GetType()))
            {
                try
                {
                    await reaction.Run(notification, stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    LogFailed(log, reaction.Name, notification.GetType().Name, e);
                }
            }
        }
    }

    private Reaction[] For(Type notification) =>
        known.GetOrAdd(
            notification,
            type =>
                (Reaction[])
                    typeof(Reactions)
                        .GetMethod(
                            nameof(Bind),
                            System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance
                        )!
                        .MakeGenericMethod(type)
                        .Invoke(this, null)!
        );

    private Reaction[] Bind<T>()
        where T : INotification =>
        [
            .. services
                .GetServices<INotificationHandler<T>>()
                .Select(h => new Reaction(
                    h.GetType().DeclaringType?.Name ?? h.GetType().Name,
                    (n, ct) => h.Handle((T)n, ct)
                )),
        ];

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reaction} failed on {Notification}")]
    private static partial void LogFailed(ILogger logger, string reaction, string notification, Exception error);

    private sealed record Reaction(string Name, Func<INotification, CancellationToken, Task> Run);
}
