using System.Reflection;
using FluentValidation;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Common.Storage;

/// <summary>Registers MediatR 5.1, which has no registration of its own.</summary>
public static class MessagingRegistration
{
    private static readonly Type[] Registered =
    [
        typeof(IRequestHandler<,>),
        typeof(INotificationHandler<>),
        typeof(IValidator<>),
    ];

    /// <summary>Registers the mediator, the validation of requests, and every handler and validator in
    /// <paramref name="features"/>, all as singletons.</summary>
    public static IServiceCollection AddHiveMessaging(this IServiceCollection services, Assembly features)
    {
        services.AddSingleton<ServiceFactory>(provider => provider.GetRequiredService);
        services.AddSingleton<IMediator, Mediator>();
        services.AddSingleton(typeof(IPipelineBehavior<,>), typeof(ValidationBehavior<,>));
        services.AddSingleton<Reactions>();
        services.AddHostedService(provider => provider.GetRequiredService<Reactions>());
        services.AddSingleton<CommitPublisher>();
        foreach (var type in features.GetTypes().Where(t => t is { IsAbstract: false, IsGenericTypeDefinition: false }))
        {
            foreach (
                var face in type.GetInterfaces()
                    .Where(i => i.IsGenericType && Registered.Contains(i.GetGenericTypeDefinition()))
            )
                services.AddSingleton(face, type);
        }

        return services;
    }
}
